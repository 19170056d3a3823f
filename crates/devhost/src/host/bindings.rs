//! What `bindgen!` makes of our world. Everything else uses it through `host::stores` and `host::settings`.

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "sendlet:host/capabilities",
    imports: {
        "wasi:keyvalue": async | trappable,
        default: trappable,
    },
    with: {
        "spin:key-value/key-value.store": super::stores::Store,
        "wasi:keyvalue/store.bucket": super::stores::Store,
        "wasi:keyvalue/atomics.cas": super::stores::CompareAndSwap,
    },
});
