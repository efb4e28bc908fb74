//! Compares the wire format with the reference of HoneyHive, and replays the corpora of the fuzz targets.

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod reference;
