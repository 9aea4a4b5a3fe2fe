//! Settings whose values are a few words: [`choices!`] makes the enum of them.

/// Declares an enum whose variants are written as the words beside them, in any case; `also` gives words that mean
/// the same, and `bare` the one that the option without a value stands for.
macro_rules! choices {
    ($(#[$meta:meta])* $Name:ident $(, bare $bare:literal)? {
        $( $(#[$doc:meta])* $Variant:ident = $word:literal $(also $alias:literal)*, )+
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $Name { $( $(#[$doc])* $Variant, )+ }

        impl std::str::FromStr for $Name {
            type Err = $crate::ValueError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text.to_ascii_lowercase().as_str() {
                    $( $word $(| $alias)* => Ok(Self::$Variant), )+
                    _ => Err($crate::ValueError::choice(&[$($word),+])),
                }
            }
        }

        impl std::fmt::Display for $Name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self { $( Self::$Variant => $word, )+ })
            }
        }

        impl $crate::values::Newtype for $Name {
            const CHOICES: &'static [&'static str] = &[$($word),+];
            $( const BARE: Option<&'static str> = Some($bare); )?
        }
    };
}
pub(super) use choices;
