//! The loop as text, with the callbacks in their places.
