//! Windows, warranties and the days they rest on.
