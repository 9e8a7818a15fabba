use proptest::prelude::*;

use crate::resp::Protocol::{self, Resp2, Resp3};
use crate::resp::{FrameEnd, frame, number, reply};

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    out.escape_ascii().to_string()
}

type Writer = fn(&mut Vec<u8>, Protocol);

/// What each encoder writes in RESP2 and in RESP3.
const CASES: &[(Writer, &str, &str)] = &[
    (
        |out, _| reply::simple(out, "PONG"),
        r"+PONG\r\n",
        r"+PONG\r\n",
    ),
    (|out, _| reply::ok(out), r"+OK\r\n", r"+OK\r\n"),
    (
        |out, _| reply::error(out, "ERR a\r\nb"),
        r"-ERR a  b\r\n",
        r"-ERR a  b\r\n",
    ),
    (
        |out, _| reply::bulk(out, b"a\r\n"),
        r"$3\r\na\r\n\r\n",
        r"$3\r\na\r\n\r\n",
    ),
    (|out, _| reply::bulk(out, b""), r"$0\r\n\r\n", r"$0\r\n\r\n"),
    (
        |out, _| reply::bulk_integer(out, -12),
        r"$3\r\n-12\r\n",
        r"$3\r\n-12\r\n",
    ),
    (reply::nil, r"$-1\r\n", r"_\r\n"),
    (reply::nil_array, r"*-1\r\n", r"_\r\n"),
    (
        |out, _| reply::array_header(out, 12),
        r"*12\r\n",
        r"*12\r\n",
    ),
    (
        |out, protocol| reply::map_header(out, 7, protocol),
        r"*14\r\n",
        r"%7\r\n",
    ),
    (
        |out, protocol| reply::set_header(out, 7, protocol),
        r"*7\r\n",
        r"~7\r\n",
    ),
    (
        |out, protocol| reply::push_header(out, 3, protocol),
        r"*3\r\n",
        r">3\r\n",
    ),
    (
        |out, protocol| reply::boolean(out, true, protocol),
        r":1\r\n",
        r"#t\r\n",
    ),
    (
        |out, protocol| reply::boolean(out, false, protocol),
        r":0\r\n",
        r"#f\r\n",
    ),
    (
        |out, protocol| reply::double(out, -1.5, protocol),
        r"$4\r\n-1.5\r\n",
        r",-1.5\r\n",
    ),
    (
        |out, protocol| reply::verbatim(out, *b"txt", b"hi", protocol),
        r"$2\r\nhi\r\n",
        r"=6\r\ntxt:hi\r\n",
    ),
];

#[test]
fn values_are_written_in_both_protocols() {
    for (write, resp2, resp3) in CASES {
        assert_eq!(written(|out| write(out, Resp2)), *resp2);
        assert_eq!(written(|out| write(out, Resp3)), *resp3);
    }
}

#[test]
fn lengths_and_integers_around_every_power_of_ten() {
    let mut power: i64 = 1;
    while let Some(next) = power.checked_mul(10) {
        for value in [power - 1, power, power + 1, -power, 1 - power, -1 - power] {
            assert_eq!(
                written(|out| reply::integer(out, value)),
                format!(r":{value}\r\n")
            );
            assert_eq!(number::parse_i64(value.to_string().as_bytes()), Some(value));
        }
        let len = power as usize;
        assert_eq!(
            written(|out| reply::array_header(out, len - 1)),
            format!(r"*{}\r\n", len - 1)
        );
        assert_eq!(
            written(|out| reply::array_header(out, len)),
            format!(r"*{len}\r\n")
        );
        if len <= 100_000 {
            for len in [len - 1, len] {
                let text = "v".repeat(len);
                assert_eq!(
                    written(|out| reply::bulk(out, text.as_bytes())),
                    format!(r"${len}\r\n{text}\r\n")
                );
            }
        }
        power = next;
    }
    for value in [i64::MIN, i64::MAX] {
        assert_eq!(
            written(|out| reply::integer(out, value)),
            format!(r":{value}\r\n")
        );
        assert_eq!(number::parse_i64(value.to_string().as_bytes()), Some(value));
    }
}

#[test]
fn integers_have_one_spelling() {
    for text in [
        "",
        "-",
        "+1",
        "01",
        "-0",
        "-01",
        " 1",
        "1 ",
        "1.0",
        "0x1",
        "1e3",
        "00",
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551616",
        "100000000000000000000",
    ] {
        assert_eq!(number::parse_i64(text.as_bytes()), None, "{text:?}");
    }
    assert_eq!(number::parse_i64(b"0"), Some(0));
}

#[test]
fn doubles_are_laid_out_as_c_does_with_seventeen_digits() {
    let cases: &[(f64, &str)] = &[
        (0.0, "0"),
        (-0.0, "-0"),
        (3.0, "3"),
        (-3.25, "-3.25"),
        (0.1, "0.10000000000000001"),
        (0.0001, "0.0001"),
        (0.00001234, "1.234e-05"),
        (1e-7, "9.9999999999999995e-08"),
        (5e-324, "4.9406564584124654e-324"),
        (123_456.789, "123456.789"),
        (1e16, "10000000000000000"),
        (12_345_678_901_234_568.0, "12345678901234568"),
        (1e17, "1e+17"),
        (1.5e300, "1.5000000000000001e+300"),
        (-f64::MAX, "-1.7976931348623157e+308"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (f64::NAN, "nan"),
        (-f64::NAN, "nan"),
    ];
    for (value, wanted) in cases {
        assert_eq!(
            written(|out| reply::double(out, *value, Resp3)),
            format!(r",{wanted}\r\n")
        );
    }
}

#[test]
fn only_numbers_are_doubles() {
    for text in [
        "", ".", "-", "e5", "1e", "0x1p3", "infinity", "+nan", "1_0", "1,5", " 1",
    ] {
        assert!(number::parse_f64(text.as_bytes()).is_none(), "{text:?}");
    }
    assert_eq!(number::parse_f64(b"+1.5e3"), Some(1500.0));
    assert_eq!(number::parse_f64(b"-inf"), Some(f64::NEG_INFINITY));
}

proptest! {
    #[test]
    fn a_double_reads_back(bits in any::<u64>()) {
        let value = f64::from_bits(bits);
        let mut out = Vec::new();
        reply::double(&mut out, value, Resp3);
        prop_assert_eq!(frame(&out), FrameEnd::Complete { len: out.len() });
        let read = number::parse_f64(&out[1..out.len() - 2]).expect("a double");
        prop_assert!(read.to_bits() == bits || (read.is_nan() && value.is_nan()));
    }

    #[test]
    fn an_integer_reads_back(value in any::<i64>()) {
        let mut out = Vec::new();
        reply::integer(&mut out, value);
        prop_assert_eq!(number::parse_i64(&out[1..out.len() - 2]), Some(value));
    }
}
