//! Measures how complaints are handled: which facts of a case the rates count (design: the seven rates and those beside
//! them). What comes in is a case; what goes out are named facts, of which each becomes a counter and the predicate of a
//! list, so that every figure opens exactly the cases behind it.

pub mod facts;
