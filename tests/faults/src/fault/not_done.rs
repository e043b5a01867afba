//! What is not done, and why: said by the runner, not passed over.

use super::{Act, Fault};

pub(super) const FAULTS: [Fault; 3] = [
    Fault::new(
        "F10",
        "clocks jump",
        "G13",
        Act::Not(
            "jumps of the database's clock take libfaketime, which is not here; clocks of services are moved by the stories of tests/system",
        ),
    ),
    Fault::new(
        "F14",
        "oversize input",
        "G14",
        Act::Not("no fault of the surroundings: the tests of bad input send it to every RPC and subject"),
    ),
    Fault::new(
        "F24m",
        "a cap on memory",
        "G21",
        Act::Not(
            "an address space limit ends a program of many threads at its start, and there is no cgroup of our own",
        ),
    ),
];
