//! Every reason that a service refuses with is in the contract.

use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The reasons that a source refuses with: the first quoted word in capitals behind a constructor of a refusal.
fn reasons(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for constructor in ["Refusal::new(", "Self::new(", "Refusal::forbidden(", "Self::forbidden(", "with_error_info("] {
        for (at, _) in text.match_indices(constructor) {
            let rest: String = text[at + constructor.len()..].chars().take(120).collect();
            // A word that is cut off is not the constructor's.
            let mut quoted = rest.split('"').skip(1);
            let (Some(word), Some(_)) = (quoted.next(), quoted.next()) else { continue };
            let capitals = word.len() > 3 && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
            if capitals {
                found.push(word.to_owned());
            }
        }
    }
    found
}

fn is_in_contract(service: &str, reason: &str) -> bool {
    let name = format!("ERROR_REASON_{reason}");
    let own = match service {
        "intake" => {
            proto::intake::ErrorReason::from_str_name(&name).is_some()
                || proto::intake::EvidenceErrorReason::from_str_name(&format!("EVIDENCE_{name}")).is_some()
        }
        "chassis" => proto::work::ErrorReason::from_str_name(&name).is_some(),
        "triage" => proto::triage::ErrorReason::from_str_name(&name).is_some(),
        "inventory" => proto::inventory::ErrorReason::from_str_name(&name).is_some(),
        "logistics" => proto::logistics::ErrorReason::from_str_name(&name).is_some(),
        "escalation" => proto::escalation::ErrorReason::from_str_name(&name).is_some(),
        "orchestrator" => proto::orchestrator::ErrorReason::from_str_name(&name).is_some(),
        _ => false,
    };
    own || proto::operations::ErrorReason::from_str_name(&name).is_some()
}

#[test]
fn every_reason_is_in_the_contract() {
    let services = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../services");
    let mut checked = 0;
    for service in ["chassis", "intake", "triage", "inventory", "logistics", "escalation", "orchestrator"] {
        let mut files = Vec::new();
        sources(&services.join(service).join("src"), &mut files);
        for file in files {
            for reason in reasons(&std::fs::read_to_string(&file).unwrap()) {
                assert!(is_in_contract(service, &reason), "{reason} of {} is not in the contract", file.display());
                checked += 1;
            }
        }
    }
    assert!(checked > 15, "only {checked} reasons were found");
}
