//! Compares the wire format with the reference of HoneyHive.

#[cfg(test)]
mod reference;
