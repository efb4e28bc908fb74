//! The names of all operations.

join_operations! { operation_ids [] service keys owners projects sessions traces events }
