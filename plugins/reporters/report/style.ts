import { MOST_PANES } from './panes.ts';
import { paletteCss } from './palette.ts';

const LIGHT = `--bg:#fff;--ink:#1b1f24;--muted:#5b6470;--rule:#e7e9ec;--edge:#b9bfc7;--soft:#f5f6f8;--link:#0b5cad;--heat:#134a80;--on-heat:#fff;--base:#6e7681;--warn:#8a4b00;${paletteCss.light}`;
const DARK = `--bg:#14171c;--ink:#e6e9ed;--muted:#a0a8b3;--rule:#2a2f37;--edge:#4c545f;--soft:#1d2127;--link:#7db8f5;--heat:#7db3ea;--on-heat:#0c1420;--base:#9aa3af;--warn:#f0b060;${paletteCss.dark}`;

const shown = Array.from(
  { length: MOST_PANES },
  (_, i) => `.switch:has(>fieldset>input:nth-of-type(${i + 1}):checked)>.pane:nth-of-type(${i + 1})`,
).join(',');

/** The style of the page: light, dark, narrow and on paper. */
export const STYLE = `
:root{color-scheme:light dark;${LIGHT}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;-webkit-text-size-adjust:100%}
.page{max-width:1080px;margin:0 auto;padding:40px 24px 80px}
header h1{font-size:1.9rem;line-height:1.2;margin:0 0 4px;letter-spacing:-.01em;overflow-wrap:anywhere}
header p,.what,.note,small{color:var(--muted)}
header p{margin:0}
nav{margin:20px 0 8px;padding:10px 0;border-top:1px solid var(--rule);border-bottom:1px solid var(--rule)}
nav ul{display:flex;flex-wrap:wrap;gap:4px 22px;margin:0;padding:0;list-style:none}
a{color:var(--link);text-decoration:none}
a:hover{text-decoration:underline}
a:focus-visible,summary:focus-visible,button:focus-visible,input:focus-visible+label,[tabindex]:focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:3px}
section{margin-top:56px}
#summary{margin-top:28px;max-width:46rem;font-size:1.08rem}
#summary .what{font-size:1rem}
#summary p{margin:0 0 14px}
h2{font-size:1.4rem;line-height:1.25;margin:0 0 6px;overflow-wrap:anywhere}
h3{font-size:1.08rem;margin:34px 0 10px}
h4{font-size:1rem;margin:22px 0 4px;overflow-wrap:anywhere}
small{font-size:.86rem;font-weight:400;margin-left:.4em}
h4.metric{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
p{max-width:46rem;overflow-wrap:anywhere}
.note{font-size:.9rem;margin:4px 0 12px}
.warn{color:var(--warn);font-weight:500}
.sw{width:24px;height:12px;flex:none;fill:none;vertical-align:-1px;margin-right:7px}
.legend{display:flex;flex-wrap:wrap;gap:4px 20px;margin:0 0 14px;padding:0;list-style:none;font-size:.9rem}
.legend li{display:flex;align-items:center;overflow-wrap:anywhere}
.legend li[role=button]{cursor:pointer}
.legend li[aria-pressed=true]{font-weight:600;text-decoration:underline;text-underline-offset:4px}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,310px),1fr));gap:20px 32px}
figure{margin:0 0 8px;min-width:0}
.plot{overflow-x:auto}
.plot svg{display:block;width:100%;height:auto}
.plot svg text{font-family:inherit}
.wide .plot svg{min-width:620px}
figcaption{color:var(--muted);font-size:.86rem;line-height:1.5;margin-top:4px;max-width:46rem}
.csv{font:inherit;font-size:.78rem;color:var(--link);background:none;border:1px solid var(--rule);border-radius:4px;padding:1px 7px;margin-right:5px;white-space:nowrap;cursor:pointer}
.get{white-space:nowrap}
.charts.small{grid-template-columns:repeat(auto-fill,minmax(min(100%,190px),1fr))}
.bibtex{width:100%;height:14rem;font:.8rem/1.4 ui-monospace,monospace;color:inherit;background:var(--soft);border:1px solid var(--rule);border-radius:4px;padding:8px}
fieldset{border:0;margin:0 0 14px;padding:0;display:flex;flex-wrap:wrap;gap:6px}
legend{float:left;padding:3px 10px 3px 0;color:var(--muted);font-size:.9rem}
fieldset input{position:absolute;opacity:0;pointer-events:none}
fieldset label{border:1px solid var(--rule);border-radius:999px;padding:3px 13px;font-size:.88rem;cursor:pointer}
fieldset input:checked+label{background:var(--ink);border-color:var(--ink);color:var(--bg)}
@supports selector(:has(*)){.switch>fieldset~.pane{display:none}${shown}{display:block!important}}
table.sortable{min-width:min(100%,28rem)}
.scroll{overflow-x:auto;margin:10px 0}
table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums;line-height:1.35}
caption{text-align:left;color:var(--muted);padding:0 0 8px;font-size:.86rem;caption-side:top}
caption span{display:block;max-width:min(46rem,calc(100vw - 34px));position:sticky;left:0}
th,td{padding:7px 12px;text-align:right;vertical-align:top;white-space:nowrap}
th[scope=row],thead th[rowspan]{text-align:left;position:sticky;left:0;background:var(--bg);font-weight:500;max-width:16rem;overflow:hidden;text-overflow:ellipsis}
thead th{color:var(--muted);font-weight:500;vertical-align:bottom}
thead th[colspan="1"]{text-align:right!important}
thead th[scope=colgroup]{color:var(--ink);text-align:left;border-bottom:1px solid var(--rule)}
tbody tr{border-top:1px solid var(--rule)}
tbody tr:hover>*{background:var(--soft)}
td i{display:block;font-style:normal;font-size:.88em;color:var(--muted)}
td.none{color:var(--muted)}
td b{font-weight:700}
th button{font:inherit;color:inherit;background:none;border:0;padding:0;cursor:pointer}
th[aria-sort=descending] button::after{content:" \\2193"}
th[aria-sort=ascending] button::after{content:" \\2191"}
table.plain th,table.plain td{text-align:left;white-space:normal;overflow-wrap:anywhere}
.facts th{width:15rem}
.verdicts{max-width:46rem;margin:0 0 12px;padding:0;list-style:none}
.verdicts li{padding:7px 0;border-top:1px solid var(--rule);overflow-wrap:anywhere}
.verdicts li:first-child{border-top:0}
.verdicts span{display:block;color:var(--muted);font-size:.86rem}
.pairs thead th:first-child{text-align:left}
details{border-top:1px solid var(--rule)}
.panel{display:grid;grid-template-columns:12rem minmax(0,1fr);border-top:1px solid var(--rule)}.panel h4{margin:9px 16px 9px 0;font-weight:500}.panel details:first-child{border-top:0}
summary{padding:8px 2px;cursor:pointer}
.genes{columns:auto 13rem;column-gap:28px;margin:4px 0 14px;padding:0;list-style:none;font-size:.88rem;font-variant-numeric:tabular-nums}
.genes li{break-inside:avoid;padding:2px 0;overflow-wrap:anywhere}
.genes i,.genes em{font-style:normal;color:var(--muted);font-size:.8rem}
.genes em{border:1px solid var(--rule);border-radius:3px;padding:0 4px}
.copy{font:inherit;font-size:.8rem;color:var(--link);background:none;border:1px solid var(--rule);border-radius:4px;padding:2px 9px;cursor:pointer;margin-bottom:8px}
dt{font-weight:600;margin-top:10px;overflow-wrap:anywhere}
dd{margin:0}
.cite{font-size:.86rem;overflow-wrap:anywhere}
footer{margin-top:64px;padding-top:14px;border-top:1px solid var(--rule);color:var(--muted);font-size:.86rem}
@media (max-width:600px){.panel{display:block;padding-bottom:4px}.panel h4{margin-bottom:0}.page{padding:24px 16px 56px}header h1{font-size:1.5rem}section{margin-top:44px}#summary{font-size:1rem}th,td{padding:6px 8px}.facts th{width:40%}th[scope=row],thead th[rowspan]{max-width:8.5rem}.facts th[scope=row]{position:static}}
@media print{
:root{color-scheme:light;${LIGHT}}
@page{margin:14mm}
body{font-size:10pt}
.page{max-width:none;padding:0}
nav,.csv,.copy,.bibtex,fieldset{display:none}
section{margin-top:20pt}
h2,h3,h4,caption,summary{break-after:avoid}
figure,tr,table.sortable,.genes li,dt,.charts>.block{break-inside:avoid}
h3,.legend{break-after:avoid}
.charts:has(>.block){display:block}
.plot svg{max-height:200mm}
thead{display:table-header-group}
.scroll,.plot{overflow:visible}
.wide .plot svg{min-width:0}
h4.metric{position:static;width:auto;height:auto;clip-path:none;overflow:visible}
table{font-size:7.5pt}th,td{padding:3pt 4pt}th[scope=row],thead th[rowspan]{position:static;max-width:28mm;white-space:normal}
table .sw{display:none}
.charts{grid-template-columns:1fr 1fr;gap:8pt 16pt}.charts:has(>figure:nth-child(3)){grid-template-columns:1fr 1fr 1fr}
.facts{width:100%}
.charts:has(>figure:only-child){grid-template-columns:minmax(0,60%)}
a{color:inherit}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
`;
