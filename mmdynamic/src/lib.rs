//! Multimodal Dynamics (CVPR 2022): trustworthy fusion of several omics views.
#![forbid(unsafe_code)]

pub mod data;
