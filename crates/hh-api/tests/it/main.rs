//! The wire beside what others say of it.

#[cfg(test)]
mod reference;
