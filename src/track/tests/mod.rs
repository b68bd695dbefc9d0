mod clocks;
mod fixture;
mod life;
mod table;
mod walks;
