/** The page's own style. Colours are variables, so that the script draws with the same ones, in light and dark. */
export const STYLE: string = `
:root{color-scheme:light dark;--page:#f6f7f9;--panel:#fff;--ink:#1b2330;--quiet:#5d6878;--line:#dde2e9;--grid:#e8ecf1;--accent:#1f5fbf;--bad:#c62f36;--event:#7a6a3a;--ok:#1d7a4b;
--s0:#1f6fd0;--s1:#d9730d;--s2:#178a61;--s3:#b3419b;--s4:#7a5cd6;--s5:#0f8fa8;--s6:#a3661c;--s7:#66707d}
@media (prefers-color-scheme:dark){:root{--page:#12161c;--panel:#1a2029;--ink:#e4e8ee;--quiet:#98a4b3;--line:#2c3542;--grid:#262e39;--accent:#7fb0ff;--bad:#ff7d80;--event:#cdb873;--ok:#63cf9b;
--s0:#6aa9ff;--s1:#ffa24d;--s2:#4fd1a0;--s3:#ee8fd9;--s4:#ae98ff;--s5:#55cfe6;--s6:#dba968;--s7:#a9b3bf}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1080px;margin:0 auto;padding:32px 24px 64px}
h1{margin:0;font-size:28px;line-height:1.2;letter-spacing:-.01em}
h2{margin:0 0 4px;font-size:17px}
h2+p{margin:0 0 12px;color:var(--quiet);font-size:13.5px}
header p{margin:6px 0 16px;max-width:75ch;color:var(--quiet)}
section{margin-top:20px;padding:20px 22px;background:var(--panel);border:1px solid var(--line);border-radius:10px}
dl.facts{display:flex;flex-wrap:wrap;gap:8px 28px;margin:0}
dl.facts dt{font-size:12px;color:var(--quiet)}
dl.facts dd{margin:0;font-variant-numeric:tabular-nums}
code{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{margin:16px 0 0;padding:10px 14px;overflow-x:auto;background:var(--panel);border:1px solid var(--line);border-radius:8px;white-space:pre-wrap;overflow-wrap:anywhere}
pre span{color:var(--quiet);user-select:none}
ul.key-figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:20px 0 0;padding:0;list-style:none}
ul.key-figures li{padding:12px 16px;background:var(--panel);border:1px solid var(--line);border-radius:10px;font-size:13px;color:var(--quiet)}
ul.key-figures b{display:block;font-size:22px;line-height:1.3;font-weight:600;color:var(--ink);font-variant-numeric:tabular-nums}
ul.key-figures .bad b{color:var(--bad)}ul.key-figures .ok b{color:var(--ok)}
.notes{border-left:4px solid var(--event)}.notes ul{margin:0;padding-left:18px}
svg{display:block;width:100%;height:auto;margin:0 auto}
svg text{font:12.5px system-ui,sans-serif;fill:var(--quiet)}
.topology .link path{fill:none;stroke:var(--quiet);stroke-width:2}
.topology .lossy path{stroke:var(--bad)}
.topology .label .name{fill:var(--ink);font-weight:600}
.topology .lost{fill:var(--bad);font-weight:600}
.topology .port{font-size:11px}
.topology .node rect,.topology .node circle{fill:var(--panel);stroke:var(--accent);stroke-width:2}
.topology .node path{fill:none;stroke:var(--accent);stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.topology .node .outside{stroke-dasharray:5 4}
.topology .node-name{fill:var(--ink);font-size:14px;font-weight:600}
.cdf .grid{stroke:var(--grid)}.cdf .curve{fill:none;stroke-width:2;stroke-linejoin:round}
.s0{stroke:var(--s0);--c:var(--s0)}.s1{stroke:var(--s1);--c:var(--s1)}.s2{stroke:var(--s2);--c:var(--s2)}.s3{stroke:var(--s3);--c:var(--s3)}.s4{stroke:var(--s4);--c:var(--s4)}.s5{stroke:var(--s5);--c:var(--s5)}.s6{stroke:var(--s6);--c:var(--s6)}.s7{stroke:var(--s7);--c:var(--s7)}
ul.legend{display:flex;flex-wrap:wrap;gap:4px 24px;margin:8px 0 0;padding:0;list-style:none;font-size:13px}
.key{display:inline-block;width:14px;height:3px;margin-right:7px;vertical-align:middle;background:var(--c);border-radius:2px}
.quiet{color:var(--quiet)}
.chart{min-height:60px}
.uplot{font-family:inherit}
.u-legend{text-align:left;font-size:12.5px;font-variant-numeric:tabular-nums;color:var(--quiet)}
.u-legend .u-marker{width:12px;height:3px;border-radius:2px}
.u-legend.u-inline .u-series>*{padding:2px 4px}
.u-legend.u-inline .u-value{min-width:9ch;color:var(--ink)}
.u-select{background:var(--accent);opacity:.14}
.u-hz .u-cursor-x,.u-hz .u-cursor-y{border-color:var(--quiet)}
.scroll{overflow-x:auto;margin-top:18px}.scroll:first-child{margin-top:0}
table{width:100%;border-collapse:collapse;font-size:13.5px;font-variant-numeric:tabular-nums}
caption{padding-bottom:6px;text-align:left;font-weight:600;font-size:15px}
th,td{padding:5px 10px;text-align:left;white-space:nowrap;border-bottom:1px solid var(--line)}
thead th{font-weight:500;font-size:12px;color:var(--quiet);vertical-align:bottom}
thead th[title]{text-decoration:underline dotted;text-underline-offset:3px;cursor:help}
tbody th{font-weight:500}tbody tr:last-child>*{border-bottom:0}
th:first-child{padding-left:0}.n{text-align:right}.bad{color:var(--bad)}
.u-legend tr>*,.u-legend th{border:0;font-size:12.5px;padding:2px 4px}.u-legend{width:auto;margin:0}
.ok{color:var(--ok)}.offloads ul.legend{margin:0 0 14px}
.matrix td,.matrix th{padding:4px 10px 4px 0}.matrix td{line-height:1.35}.matrix td div{display:flex;align-items:center;gap:2px;min-height:20px}
.matrix tbody th[scope=rowgroup]{padding-top:16px;font-weight:600;font-size:14.5px;border-bottom:1px solid var(--quiet)}
.matrix thead th{position:sticky;top:0;background:var(--panel)}
.matrix div>b{margin-left:6px}.matrix small{margin-left:5px;font-size:12px;color:var(--quiet)}
.box{display:inline-flex;align-items:center;justify-content:center;flex:none;width:17px;height:17px;border-radius:3px;font:600 11px/1 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;color:var(--panel);background:var(--b)}
.box.dev{--b:var(--s2)}.box.lco{--b:var(--s0)}.box.sw{--b:var(--s1)}.box.wrong{--b:var(--bad)}.box.none{background:none;color:var(--quiet);box-shadow:inset 0 0 0 1px var(--line)}
.panels{display:grid;grid-template-columns:repeat(auto-fit,minmax(380px,1fr));gap:20px 28px;margin-bottom:18px}
figure{margin:0;min-width:0}figcaption{margin-bottom:6px;font-weight:600;font-size:14px}.panels ul.legend{flex-direction:column}
details{margin-top:10px}summary{cursor:pointer;font-weight:500}
.counters{columns:4 200px;margin:8px 0 0;padding:0;list-style:none;font-size:13px}
.counters li{display:flex;justify-content:space-between;gap:12px;padding:1px 0;break-inside:avoid;font-variant-numeric:tabular-nums}
footer{margin-top:24px;font-size:12.5px;color:var(--quiet)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
@media (max-width:600px){main{padding:20px 12px 40px}section{padding:16px 12px}}
@media print{body{background:#fff}section,ul.key-figures li{break-inside:avoid}.uplot .u-legend{display:none}}
`;
