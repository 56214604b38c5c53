/// The style sheet of a report. Two themes by the reader's own preference, and the light one on paper.
enum ReportStyle {
    /// Lines and areas: Okabe and Ito's colours, darker on light ground and lighter on dark so that each is at least three
    /// times as bright or dark as its ground (WCAG 2.2, 1.4.11).
    private static let light = """
        --ground: #ffffff; --panel: #f6f7f9; --ink: #1c2430; --soft: #5b6675; --faint: #e3e6ea; --edge: #b6bdc7; --shade: #f0f2f5;
        --good: #00704f; --bad: #b3420a;
        --c1: #0072b2; --c2: #00875f; --c3: #3d9bd6; --c4: #d55e00; --c5: #b3558c; --c6: #a37800; --muted: #7b8794;
        """
    private static let dark = """
        --ground: #14181e; --panel: #1c222a; --ink: #e6eaf0; --soft: #a3aebb; --faint: #2a323c; --edge: #5b6675; --shade: #1a2028;
        --good: #3fcf9f; --bad: #ff9457;
        --c1: #56b4e9; --c2: #2bc79b; --c3: #8fc9ee; --c4: #f5873d; --c5: #e09bc6; --c6: #e6b422; --muted: #8793a1;
        """

    static let text = """
        :root { color-scheme: light dark; \(light) }
        @media (prefers-color-scheme: dark) { :root { \(dark) } }
        @media print { :root { color-scheme: light; \(light) } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--ground); color: var(--ink); line-height: 1.5;
          font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", "DejaVu Sans", sans-serif; }
        main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem 3rem; }
        h1 { font-size: 1.6rem; line-height: 1.2; margin: 0; }
        h2 { font-size: 1.05rem; margin: 2.2rem 0 .1rem; }
        p { margin: .3rem 0; }
        .sub { color: var(--soft); }
        .verdict { display: inline-block; margin: 1rem 0 0; padding: .35rem .8rem; border: 1.5px solid currentColor;
          border-radius: .4rem; font-weight: 600; }
        .good { color: var(--good); } .bad { color: var(--bad); }
        .notes { margin: .8rem 0 0; padding-left: 1.1rem; color: var(--soft); }
        .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(7.4rem, 1fr)); gap: .6rem; margin: 1.3rem 0 0; }
        .tile { background: var(--panel); border-radius: .4rem; padding: .55rem .75rem; }
        .tile b { display: block; font-size: 1.2rem; font-variant-numeric: tabular-nums; line-height: 1.3; }
        .tile span { color: var(--soft); font-size: .84rem; }
        figure { margin: .5rem 0 0; }
        svg { display: block; width: 100%; height: auto; font-size: 12px; font-variant-numeric: tabular-nums; }
        .grid { stroke: var(--faint); stroke-width: 1; } .axis { stroke: var(--edge); stroke-width: 1; }
        .tick, .small { fill: var(--soft); } .label { font-weight: 600; }
        .warmup { fill: var(--shade); } .hint { fill: transparent; } .hint:hover { fill: var(--ink); fill-opacity: .06; }
        path { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
        path.thin { stroke-width: 1; } path.reference { stroke-width: 1.5; stroke-dasharray: 5 5; stroke-linecap: butt; }
        path.area { stroke-width: .75; stroke: var(--ground); }
        \(["c1", "c2", "c3", "c4", "c5", "c6", "muted"].map(colour).joined(separator: "\n"))
        table { border-collapse: collapse; width: 100%; margin: .5rem 0 0; font-variant-numeric: tabular-nums; }
        th, td { text-align: left; vertical-align: top; padding: .28rem .8rem .28rem 0; border-bottom: 1px solid var(--faint); }
        td.s { white-space: nowrap; width: 6rem; } th { font-weight: 600; color: var(--soft); font-size: .86rem; } td.n, th.n { text-align: right; }
        .swatch { display: inline-block; width: .7em; height: .7em; border-radius: .15em; margin-right: .45em; background: currentColor; }
        .scroll { overflow-x: auto; } details { margin: 1.6rem 0 0; } summary { cursor: pointer; color: var(--soft); }
        footer { margin: 2.5rem 0 0; color: var(--soft); font-size: .86rem; }
        @media print {
          @page { margin: 14mm; }
          body { font-size: 10.5pt; } main { max-width: none; padding: 0 1px; }
          figure, tr, .tiles, .tile { break-inside: avoid; } h2 { break-after: avoid; margin-top: 1.2rem; }
          .tiles { grid-template-columns: repeat(7, 1fr); gap: .3rem; } .tile { padding: .3rem .45rem; }
          .tile b { font-size: 1rem; } .tile span { font-size: .75rem; }
          .tile { border: 1px solid var(--edge); } details { display: none; }
          * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
        }
        """

    private static func colour(_ name: String) -> String {
        "path.\(name) { stroke: var(--\(name)); } path.area.\(name) { fill: var(--\(name)); stroke: var(--ground); } "
            + "text.\(name) { fill: var(--\(name)); } .swatch.\(name) { color: var(--\(name)); }"
    }
}
