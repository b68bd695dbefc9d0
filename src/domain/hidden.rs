//! Types whose `Debug` shows nothing of what they hold: whoever logs one by accident logs its name.

/// Gives types that hold what people wrote, or who they are, a `Debug` that shows their name only. A test holds that no such
/// type derives another.
macro_rules! hidden_debug {
    ($($name:ident $(<$life:lifetime>)?),+ $(,)?) => {$(
        impl std::fmt::Debug for $name $(<$life>)? {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )+};
}

pub(crate) use hidden_debug;

#[cfg(test)]
mod tests {
    use crate::domain::party::Person;

    #[test]
    fn nothing_of_a_person_is_printed() {
        let person =
            Person { name: Some("张三".to_owned()), phone: Some("+8613800138000".to_owned()), ..Person::default() };
        assert_eq!(format!("{person:?} {person:#?}"), "Person { .. } Person { .. }");
    }
}
