//! The binary: everything is in the library.

/// Requests allocate on one thread and are freed on another, which the system's allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    fangxin::cli::main()
}
