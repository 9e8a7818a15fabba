//! Made-up keys: a small language, the same keys for the same words.

use crate::choices::statistics::Random;

/// What may be written, for `--help` and for errors.
pub(crate) const LANGUAGE: &str = "\
KEYS is a file with one key a line (raw bytes; a line that comes twice is one key accessed twice), or:
  user:%07d          a template with one %d, %07d or %x, for the numbers 0, 1, 2, …
  sequential         the numbers alone: 0, 1, 2, … (sequential:N is sequential@N)
  uuid               random UUIDs in their text form
  url                addresses of pages, as a web cache sees them
  random:MIN-MAX     random letters and digits, MIN to MAX bytes long, every length alike
  zipf:EXPONENT      accesses to user:%07d by a Zipf law over a tenth as many keys
each with @COUNT behind it for another number than 1000000: user:%07d@50000";

const COUNT: u64 = 1_000_000;
const COUNT_MAX: u64 = 100_000_000;
/// Longest random key.
const BYTES_MAX: usize = 65_536;

/// Calls `each` with every key.
///
/// # Errors
/// Words that go on after "is no file, and".
pub(super) fn each(source: &str, each: impl FnMut(&[u8])) -> Result<(), String> {
    let (words, count) = match source.rsplit_once('@') {
        Some((words, count)) => (words, number(count)?),
        None => (source, COUNT),
    };
    if words.contains('%') {
        return template(words, count, each);
    }
    let (name, argument) = match words.split_once(':') {
        Some((name, argument)) => (name, Some(argument)),
        None => (words, None),
    };
    match (name, argument) {
        ("sequential", Some(argument)) => template("%d", number(argument)?, each),
        ("sequential", None) => template("%d", count, each),
        ("uuid", None) => written(count, uuid, each),
        ("url", None) => written(count, url, each),
        ("random", Some(argument)) => random(argument, count, each),
        ("zipf", Some(argument)) => zipf(argument, count, each),
        ("random" | "zipf", None) => Err(format!("'{name}' needs an argument")),
        _ => Err(format!("no generator is called '{words}'")),
    }
}

fn number(text: &str) -> Result<u64, String> {
    let count = text.parse().ok().filter(|n| (1..=COUNT_MAX).contains(n));
    count.ok_or_else(|| format!("'{text}' is not a number of keys from 1 to {COUNT_MAX}"))
}

fn written(
    count: u64,
    write: fn(&mut Random) -> String,
    mut each: impl FnMut(&[u8]),
) -> Result<(), String> {
    let mut random = Random::new(1);
    (0..count).for_each(|_| each(write(&mut random).as_bytes()));
    Ok(())
}

/// Text before and after the number, its least width and whether it is hexadecimal.
struct Template<'a> {
    before: &'a str,
    after: &'a str,
    width: usize,
    hex: bool,
}

impl<'a> Template<'a> {
    fn read(words: &'a str) -> Option<Self> {
        let (before, rest) = words.split_once('%')?;
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let width = match &rest[..digits] {
            "" => 0,
            digits => digits.strip_prefix('0')?.parse().ok()?,
        };
        let hex = match rest[digits..].chars().next()? {
            'd' => false,
            'x' => true,
            _ => return None,
        };
        let after = &rest[digits + 1..];
        (width <= 64 && !after.contains('%')).then_some(Self {
            before,
            after,
            width,
            hex,
        })
    }

    fn key(&self, number: u64) -> String {
        let (before, after, width) = (self.before, self.after, self.width);
        if self.hex {
            format!("{before}{number:0width$x}{after}")
        } else {
            format!("{before}{number:0width$}{after}")
        }
    }
}

fn template(words: &str, count: u64, mut each: impl FnMut(&[u8])) -> Result<(), String> {
    let template = Template::read(words)
        .ok_or_else(|| format!("'{words}': a template has one %d or %x, as in user:%07d"))?;
    (0..count).for_each(|number| each(template.key(number).as_bytes()));
    Ok(())
}

fn uuid(random: &mut Random) -> String {
    let (high, low) = (random.next(), random.next());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        (low >> 48) & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff
    )
}

fn url(random: &mut Random) -> String {
    const HOSTS: [&str; 4] = ["www", "shop", "img", "api"];
    const FOLDERS: [&str; 6] = ["news", "products", "users", "search", "static", "blog"];
    let pick = |random: &mut Random, list: &[&'static str]| list[random.below(list.len())];
    let host = pick(random, &HOSTS);
    let mut text = format!("https://{host}.example.com");
    for _ in 0..=random.below(3) {
        text += &format!("/{}", pick(random, &FOLDERS));
    }
    text += &format!("/{}", random.below(5_000_000));
    match random.below(3) {
        0 => text + ".html",
        1 => text + &format!("?page={}&lang=en", random.below(50)),
        _ => text,
    }
}

fn random(argument: &str, count: u64, mut each: impl FnMut(&[u8])) -> Result<(), String> {
    const LETTERS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let range = argument.split_once('-');
    let range = range.and_then(|(min, max)| Some((min.parse().ok()?, max.parse().ok()?)));
    let range: Option<(usize, usize)> = range.filter(|(min, max)| min <= max && *max <= BYTES_MAX);
    let (min, max) =
        range.ok_or_else(|| format!("'{argument}' is not MIN-MAX bytes of at most {BYTES_MAX}"))?;
    let mut random = Random::new(2);
    let mut key = Vec::new();
    for _ in 0..count {
        let length = min + random.below(max - min + 1);
        key.clear();
        key.extend((0..length).map(|_| LETTERS[random.below(LETTERS.len())]));
        each(&key);
    }
    Ok(())
}

/// Accesses in proportion to rank^-exponent, by the sums over ranks: exact, a table of a tenth of
/// the accesses.
fn zipf(argument: &str, count: u64, mut each: impl FnMut(&[u8])) -> Result<(), String> {
    let exponent: Option<f64> = argument.parse().ok();
    let exponent = exponent.filter(|exponent| (0.0..=4.0).contains(exponent));
    let exponent =
        exponent.ok_or_else(|| format!("'{argument}' is not an exponent from 0 to 4"))?;
    let ranks = (count / 10).max(1);
    let mut sum = 0.0;
    let sums: Vec<f64> = (1..=ranks)
        .map(|rank| {
            sum += (rank as f64).powf(-exponent);
            sum
        })
        .collect();
    let mut random = Random::new(3);
    for _ in 0..count {
        let point = random.unit() * sum;
        let rank = sums.partition_point(|sum| *sum <= point);
        // Ranks are not in the order of the numbers: those who are wanted have any number.
        let user = (rank as u64).wrapping_mul(0x9e37_79b1) % ranks;
        each(format!("user:{user:07}").as_bytes());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(source: &str) -> Vec<String> {
        let mut keys = Vec::new();
        each(source, |key| {
            keys.push(String::from_utf8(key.to_vec()).expect("text"));
        })
        .expect(source);
        keys
    }

    #[test]
    fn each_generator_gives_what_its_line_says() {
        assert_eq!(list("sequential:3"), ["0", "1", "2"]);
        assert_eq!(list("sequential@2"), ["0", "1"]);
        assert_eq!(list("u:%03d:x@2"), ["u:000:x", "u:001:x"]);
        assert_eq!(list("k%x@17")[16], "k10");
        let uuid = &list("uuid@5")[4];
        assert_eq!(uuid.len(), 36, "{uuid}");
        assert_eq!(&uuid[14..15], "4");
        assert!(list("url@5").iter().all(|url| url.starts_with("https://")));
        let lengths: Vec<usize> = list("random:3-5@200").iter().map(String::len).collect();
        for length in 3..=5 {
            assert!(lengths.contains(&length));
        }
        assert!(lengths.iter().all(|length| (3..=5).contains(length)));
        assert_eq!(list("uuid@50"), list("uuid@50"));
    }

    #[test]
    fn zipf_wants_the_first_rank_as_often_as_it_must() {
        let keys = list("zipf:1@20000");
        let hottest = keys.iter().filter(|key| *key == "user:0000000").count();
        // 1 over the 2000th harmonic number, 8.178: 12.2% of 20,000 accesses, ± 4.5 deviations.
        assert!((2240..=2655).contains(&hottest), "{hottest}");
    }
}
