//! Memory that the allocator keeps for later, though nobody uses it.
#![cfg_attr(
    target_env = "gnu",
    expect(unsafe_code, reason = "malloc_trim has no safe wrapper")
)]

/// Gives back to the kernel what is free: after something large, such as reading a configuration, that is not soon to come
/// again. Takes a moment, in which other threads may have to wait for memory.
/// Other C libraries than GNU's keep little, and have no word for it.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: has no preconditions; it may be called by any thread at any time.
    unsafe {
        libc::malloc_trim(0);
    }
}
