mod clocks;
mod documents;
mod fixture;
mod life;
mod table;
mod walks;
