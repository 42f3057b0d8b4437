//! What the translator makes of whole functions.
