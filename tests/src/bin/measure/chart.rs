//! Shares of plain hyper's rate as bars, in an SVG file that any browser shows.

const ROW: usize = 24;
const NAMES: usize = 400;
const FULL: f64 = 600.0;

/// A bar from nothing to the median, and the spread over its end.
pub(crate) struct Bar {
    /// Without `<` and `&`.
    pub(crate) name: String,
    pub(crate) lowest: f64,
    pub(crate) median: f64,
    pub(crate) highest: f64,
}

/// The picture. 1 is as wide as the widest bar may be.
pub(crate) fn svg(bars: &[Bar]) -> String {
    let (width, height) = (NAMES + FULL as usize + 60, ROW * (bars.len() + 1));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let at = |share: f64| NAMES as f64 + share * FULL;
    for (number, bar) in bars.iter().enumerate() {
        let (top, middle) = (ROW * number + 12, ROW * number + ROW);
        let Bar {
            name,
            lowest,
            median,
            highest,
        } = bar;
        let (start, width) = (at(0.0), median * FULL);
        svg.push_str(&format!(
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{name}</text>\n\
             <rect x=\"{start}\" y=\"{top}\" width=\"{width:.1}\" height=\"{}\" fill=\"#4477aa\"/>\n\
             <line x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{middle}\" y2=\"{middle}\" stroke=\"black\"/>\n\
             <text x=\"{:.1}\" y=\"{}\">{median:.2}</text>\n",
            NAMES - 8,
            middle + 5,
            ROW - 4,
            at(*lowest),
            at(*highest),
            at(highest.max(*median)) + 6.0,
            middle + 5,
        ));
    }
    svg.push_str("</svg>\n");
    svg
}
