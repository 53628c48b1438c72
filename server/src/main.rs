//! The binary `guardianflow`: reads the command line, runs one command, turns its result into an exit code.
//! 0 fine, 1 failed, 2 wrong usage.

use std::process::ExitCode;

/// Pages and scans make many small and short-lived allocations on several threads; docs/performance.md has the figures.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // At least four workers: with one or two, streaming a page can wait for itself (docs/adr/0004).
    let threads = std::thread::available_parallelism().map_or(4, usize::from).max(4);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_stack_size(8 << 20)
        // A thread keeps what it allocated and others freed until it allocates again: idle ones give it back by ending.
        .thread_keep_alive(std::time::Duration::from_millis(250))
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => {
            let code = runtime.block_on(server::cli::run(std::env::args_os()));
            // Whoever reads standard input in the background must not hold the process.
            runtime.shutdown_background();
            code
        }
        Err(e) => {
            eprintln!("guardianflow: cannot start: {e}");
            ExitCode::FAILURE
        }
    }
}
