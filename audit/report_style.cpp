// SPDX-License-Identifier: Apache-2.0
#include "audit/report_style.h"

namespace meetfence::audit {

// Text has a contrast of at least 4.5:1 on its ground, parts of charts 3:1 (WCAG 2.1, 1.4.3 and 1.4.11).
std::string_view report_style()
{
    return R"css(
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1b1f24; --soft: #59616b; --line: #dcdfe3; --wash: #f5f6f7; --link: #0f5a80;
  --c1: #12506e; --c2: #4a90b3; --c3: #b3492a; --c4: #7b7f86; --c5: #ffffff; --c5-edge: #59616b;
  --alarm: #a12d12;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif;
  --serif: ui-serif, "Iowan Old Style", "Palatino Linotype", Charter, Georgia, "Noto Serif", "DejaVu Serif", serif;
  --mono: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --ink: #e7e6e2; --soft: #a4abb3; --line: #333940; --wash: #1c2025; --link: #8cc8e6;
    --c1: #a5d5ea; --c2: #4f97ba; --c3: #e28b66; --c4: #8b9098; --c5: #14171a; --c5-edge: #a4abb3;
    --alarm: #f0a58c;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.6 var(--sans); overflow-wrap: break-word; }
.masthead, main, footer { max-width: 66rem; margin: 0 auto; padding-left: 1.5rem; padding-right: 1.5rem; }
p, ul, ol, dl { margin: 0 0 1rem; }
p, .none { max-width: 42rem; }
a { color: var(--link); text-underline-offset: .15em; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 3px; }
.skip { position: absolute; left: -100rem; background: var(--paper); padding: .75rem 1rem; }
.skip:focus { left: 1rem; top: 1rem; z-index: 1; }
code, .hash { font-family: var(--mono); font-size: .875em; overflow-wrap: anywhere; }
.soft { color: var(--soft); }

.masthead { padding-top: 4.5rem; }
.kicker { font-size: .8125rem; font-weight: 600; letter-spacing: .09em; text-transform: uppercase; color: var(--soft); margin-bottom: .75rem; }
h1 { font: 400 clamp(2rem, 1.2rem + 3.2vw, 3.25rem)/1.12 var(--serif); letter-spacing: -.012em; margin: 0 0 1.5rem; text-wrap: balance; }
.lede { font: 400 1.1875rem/1.6 var(--serif); max-width: 40rem; margin-bottom: 2rem; }
nav.contents { border-top: 1px solid var(--ink); border-bottom: 1px solid var(--line); padding: 1.125rem 0 1.25rem; }
nav.contents h2 { font: 600 .8125rem/1.4 var(--sans); color: var(--soft); margin: 0 0 .5rem; }
nav.contents ol { columns: 3 15rem; column-gap: 2.5rem; list-style: none; margin: 0; padding: 0; font-size: .9375rem; line-height: 1.85; }
nav.contents a { color: inherit; text-decoration-color: var(--line); }
nav.contents a:hover { text-decoration-color: currentColor; }
nav.contents .ordinal { min-width: 1.6rem; }

section { padding-top: 3.75rem; }
h2 { font: 400 1.75rem/1.2 var(--serif); letter-spacing: -.006em; margin: 0 0 1.25rem; }
section h2 { display: flex; gap: .375rem; }
h3 { font: 600 1.0625rem/1.4 var(--sans); margin: 2.25rem 0 .75rem; }
.ordinal { display: inline-block; flex: none; min-width: 2.1rem; color: var(--soft); font-variant-numeric: tabular-nums; }

dl.terms { display: grid; grid-template-columns: 1fr 1fr; gap: 1.375rem 3rem; margin-bottom: 0; }
dl.terms dt { font-weight: 600; font-size: .9375rem; }
dl.terms dd { margin: .125rem 0 0; font-size: .9375rem; line-height: 1.55; color: var(--soft); max-width: 34rem; }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .5rem 2rem; }
dl.facts dt { color: var(--soft); }
dl.facts dd { margin: 0; font-variant-numeric: tabular-nums; }
dl.figures { display: grid; grid-template-columns: repeat(6, auto); justify-content: space-between; gap: 1.75rem 1.5rem; border-top: 1px solid var(--ink); padding-top: 1.25rem; margin: 0 0 2.5rem; }
dl.figures div { display: flex; flex-direction: column-reverse; justify-content: flex-end; }
dl.figures dt { font-size: .875rem; line-height: 1.4; color: var(--soft); }
dl.figures dd { margin: 0 0 .25rem; font: 400 2.25rem/1.1 var(--serif); font-variant-numeric: lining-nums tabular-nums; white-space: nowrap; }

figure { margin: 2rem 0 2.5rem; }
figcaption { font-weight: 600; margin-bottom: .375rem; }
figure svg { display: block; max-width: 46rem; margin: 1rem 0 1.25rem; overflow: visible; }
svg text { fill: var(--ink); font: 13px var(--sans); font-variant-numeric: tabular-nums; }
svg .tick, svg .zero { fill: var(--soft); font-size: 12px; }
svg .end { text-anchor: end; }
svg .grid { stroke: var(--line); }
svg .axis { stroke: var(--soft); }
.bar { stroke: var(--paper); stroke-width: 1; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; list-style: none; padding: 0; margin: 0; font-size: .875rem; color: var(--soft); }
.swatch { display: inline-block; width: .8rem; height: .8rem; margin-right: .5rem; border: 1px solid transparent; vertical-align: -.05rem; }
.c1 { fill: var(--c1); background: var(--c1); } .c2 { fill: var(--c2); background: var(--c2); }
.c3 { fill: var(--c3); background: var(--c3); } .c4 { fill: var(--c4); background: var(--c4); }
.c5 { fill: var(--c5); background: var(--c5); } .bar.c5 { stroke: var(--c5-edge); } .swatch.c5 { border-color: var(--c5-edge); }

.scroll { overflow-x: auto; margin: 0 0 1.75rem; }
table { width: 100%; border-collapse: collapse; font-size: .875rem; line-height: 1.45; font-variant-numeric: lining-nums tabular-nums; }
caption { text-align: left; color: var(--soft); padding-bottom: .625rem; }
th, td { text-align: left; vertical-align: top; padding: .5rem 1.25rem .5rem 0; border-bottom: 1px solid var(--line); }
th:last-child, td:last-child { padding-right: 0; }
thead th { vertical-align: bottom; font-weight: 600; font-size: .8125rem; line-height: 1.3; border-bottom-color: var(--ink); }
tbody th { font-weight: 400; }
tfoot th, tfoot td { font-weight: 600; border-bottom: 0; }
tbody tr:last-child > * { border-bottom-color: var(--ink); }
.number { text-align: right; white-space: nowrap; }
thead .number { white-space: normal; }
.sub { display: block; color: var(--soft); font-size: .8125rem; }
table.small { max-width: 46rem; }
table.cards th[scope="row"] { width: 20%; min-width: 11rem; }
table.cards td:nth-child(4) { min-width: 7.75rem; }
table.cards .hash { font-size: .75rem; white-space: nowrap; }
table.cards .name { display: block; font-weight: 600; overflow-wrap: anywhere; }
time, .fixed { white-space: nowrap; }
.none { color: var(--soft); }
.none strong { color: var(--ink); }
.note { border-left: 3px solid var(--soft); padding: .125rem 0 .125rem 1.125rem; margin-bottom: 1.75rem; }
.note.alarm { border-left-color: var(--alarm); }
.note p:last-child { margin-bottom: 0; }
footer { padding-top: 4rem; padding-bottom: 4.5rem; }
footer p { border-top: 1px solid var(--ink); padding-top: 1.125rem; max-width: none; color: var(--soft); font-size: .875rem; }

@media screen and (max-width: 46rem) {
  .masthead { padding-top: 2.5rem; }
  .masthead, main, footer { padding-left: 1.125rem; padding-right: 1.125rem; }
  section { padding-top: 3rem; }
  h2 { font-size: 1.5rem; }
  .ordinal { min-width: 1.6rem; }
  dl.terms { grid-template-columns: 1fr; gap: 1rem; }
  dl.facts { grid-template-columns: 1fr; gap: 0; }
  dl.facts dd { margin-bottom: .75rem; }
  dl.figures { grid-template-columns: 1fr 1fr; gap: 1.25rem; }
  dl.figures dd { font-size: 1.875rem; }
  table.cards, .cards tbody, .cards tr, table.cards th[scope="row"], table.cards td { display: block; width: auto; min-width: 0; }
  .cards caption { display: block; }
  caption span { display: inline-block; position: sticky; left: 0; max-width: calc(100vw - 2.25rem); }
  table:not(.cards) th:first-child { position: sticky; left: 0; background: var(--paper); max-width: 8.5rem; }
  .cards thead { position: absolute; left: -100rem; }
  .cards tr { border-bottom: 1px solid var(--ink); padding: .875rem 0; }
  .cards th, .cards td, tbody tr:last-child > * { border-bottom-width: 0; }
  .cards th, .cards td { padding: .1875rem 0; min-width: 0; }
  table:not(.cards) tbody tr:last-child > * { border-bottom-width: 1px; }
  .cards th[scope="row"] { padding-bottom: .5rem; }
  table.cards td { display: grid; grid-template-columns: 8rem 1fr; text-align: left; white-space: normal; }
  .cards td::before { content: attr(data-label); color: var(--soft); }
}

@media print {
  @page { size: A4; margin: 18mm 16mm 20mm; }
  :root { --ink: #000000; --soft: #444444; --line: #c4c4c4; --link: #000000; }
  body { font-size: 9.5pt; line-height: 1.45; }
  .skip { display: none; }
  .masthead, main, footer { max-width: none; padding-left: 0; padding-right: 0; }
  .masthead { padding-top: 0; }
  h1 { font-size: 26pt; }
  h2 { font-size: 15pt; margin-bottom: 3mm; }
  h1, h2, h3, figcaption, caption { break-after: avoid; }
  section { padding-top: 9mm; }
  .lede { font-size: 11.5pt; }
  nav.contents ol { font-size: 9pt; columns: 3; }
  nav.contents a { text-decoration: none; }
  dl.terms { display: block; columns: 2; column-gap: 8mm; }
  dl.terms div { margin-bottom: 3mm; }
  dl.terms div, dl.figures div, tr, .chart, .note, table:not(.cards) { break-inside: avoid; }
  #each-order { break-before: page; padding-top: 0; }
  dl.terms dt, dl.terms dd { font-size: 8.5pt; }
  dl.figures { gap: 4mm 6mm; break-inside: avoid; }
  dl.figures dt { font-size: 7.5pt; }
  dl.figures dd { font-size: 18pt; }
  figure { margin: 5mm 0; }
  figure svg { max-width: 130mm; margin: 3mm 0; }
  svg text { font-size: 11px; }
  .legend, footer p { font-size: 8pt; }
  .bar, .swatch { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .scroll { overflow: visible; }
  table { font-size: 8pt; line-height: 1.35; }
  thead th { font-size: 7.5pt; }
  thead { display: table-header-group; }
  tfoot { display: table-row-group; }
  th, td { padding: 1.4mm 3mm 1.4mm 0; }
  .sub { font-size: 7.5pt; }
  table.cards td:nth-child(4) { min-width: 20mm; }
  table.cards .hash { font-size: 6.5pt; }
  footer { padding-top: 6mm; padding-bottom: 0; }
  table.cards th[scope="row"] { min-width: 0; }
  p { orphans: 3; widows: 3; }
}
@media (forced-colors: active) { .bar, .swatch { forced-color-adjust: none; } }
)css";
}

} // namespace meetfence::audit
