//! Guesses which word was meant.

/// The candidate that is the fewest slips away from a word, if that is near enough to be a slip of the keyboard.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let near = candidates
        .into_iter()
        .map(|candidate| (slips(word, candidate), candidate));
    let (slips, candidate) = near.min_by_key(|(slips, _)| *slips)?;
    (slips <= 1 + word.chars().count() / 4).then_some(candidate)
}

/// How many characters to add, drop or change to get from one word to the other (Levenshtein).
fn slips(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.chars().enumerate() {
            let change = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_forgiven_and_another_word_is_not() {
        assert_eq!(nearest("prot", ["host", "port"]), Some("port"));
        assert_eq!(
            nearest("max_duraton", ["max_duration", "cpu_ms"]),
            Some("max_duration")
        );
        assert_eq!(nearest("colour", ["host", "port"]), None);
        assert_eq!(nearest("x", []), None);
    }
}
