//! liburing's C face. Each function converts its arguments and delegates to `anyring::ring`.
#![no_std]

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
pub use anyring::abi;
