//! Generates the gRPC services from the published definitions, with no `protoc` to install.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = ["proto/streams.proto", "proto/gossip.proto", "proto/serverfeatures.proto"];
    println!("cargo:rerun-if-changed=proto");
    let mut descriptors = protox::compile(files, ["proto"])?;
    for file in &mut descriptors.file {
        // The comments, whose links are no links to rustdoc.
        file.source_code_info = None;
    }
    tonic_build::configure()
        .build_client(false)
        .extern_path(".event_store.client.Empty", "()")
        .bytes([
            "AppendReq.ProposedMessage.custom_metadata",
            "AppendReq.ProposedMessage.data",
            "ReadEvent.RecordedEvent.custom_metadata",
            "ReadEvent.RecordedEvent.data",
        ])
        .compile_fds(descriptors)?;
    Ok(())
}
