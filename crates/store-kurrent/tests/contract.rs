//! The log on KurrentDB keeps the contract.

#[path = "../examples/conformance/subject.rs"]
mod subject;

#[cfg(test)]
mod cases {
    use crate::subject::OnKurrent;

    store::log_contract_tests!(OnKurrent);
}
