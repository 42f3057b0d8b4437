//! What the inline functions use beside the language itself; the translator knows each by name.

/// The elements of an array that ends a structure without a length; in C the array itself.
#[inline(always)]
pub const fn elements<T>(array: *const [T; 0]) -> *const T {
    array.cast()
}

/// As [`elements`], to be written.
#[inline(always)]
pub const fn elements_mut<T>(array: *mut [T; 0]) -> *mut T {
    array.cast()
}

/// Passes on a condition that seldom holds, so that the other way stays in a straight line.
#[inline(always)]
pub const fn unlikely(condition: bool) -> bool {
    if condition {
        cold();
    }
    condition
}

#[cold]
const fn cold() {}

/// Inside of an `if`: the compiler must not turn it into arithmetic, so that the processor goes on by
/// its guess instead of waiting for what the condition depends on.
#[inline(always)]
pub fn keep_branch() {
    core::hint::black_box(());
}
