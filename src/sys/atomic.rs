//! Atomic types and fences. All that is checked as a model takes them from here, so that the model can put
//! its own in their place (see models/).

pub use core::sync::atomic::{fence, AtomicPtr, AtomicU32, Ordering};

/// A full barrier, right behind an atomic exchange: what the caller wrote before is visible before it reads
/// what follows. Where an exchange is a full barrier by itself it costs nothing.
#[inline(always)]
pub fn barrier_after_exchange() {
    #[cfg(target_arch = "x86_64")]
    core::sync::atomic::compiler_fence(Ordering::SeqCst);
    #[cfg(not(target_arch = "x86_64"))]
    fence(Ordering::SeqCst);
}
