//! The log on KurrentDB keeps the contract.

#[path = "../examples/conformance/subject.rs"]
mod subject;

#[cfg(test)]
mod cases {
    use store::contract::{Subject, an_inventory_lists_everything};

    use crate::subject::OnKurrent;

    store::log_contract_tests!(OnKurrent);

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_inventory_lists_what_was_stored() {
        let subject = OnKurrent::fresh().await.unwrap();
        an_inventory_lists_everything(&*subject.log).await.unwrap();
    }
}
