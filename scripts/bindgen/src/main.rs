//! `bindgen IN.wasm NAME FOLDER`: writes `NAME.js` and `NAME_bg.wasm`, as `wasm-bindgen --target web --no-typescript --omit-default-module-path` does.
//! The command line of wasm-bindgen holds a web server and an HTTP client, for tests in browsers; this takes half as long to
//! compile. Its version is that of the crate, because both are in `Cargo.lock`.

use std::error::Error;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(program), Some(name), Some(folder)) = (args.next(), args.next(), args.next()) else {
        return Err("usage: bindgen IN.wasm NAME FOLDER".into());
    };
    let mut bindgen = Bindgen::new();
    bindgen.web(true)?.input_path(program).out_name(&name).typescript(false).omit_default_module_path(true);
    Ok(bindgen.generate(folder)?)
}
