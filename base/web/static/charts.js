// Draws what stands in [data-chart] beside its table; without script, or where a chart fails, the table is all there is.
// The server says what there is to see (kind, unit, rows); how it looks is decided here. Tooltips are drawn in the canvas
// (richText), for those made of HTML bring inline styles, which the page's policy forbids. Colour never stands alone: lines
// differ in dashes, points in shape, bars in pattern.
(() => {
  const SHAPES = ["circle", "diamond", "triangle", "rect"];
  const DASHES = ["solid", [7, 4], [2, 3], [10, 3, 2, 3]];
  const language = document.documentElement.lang || "en";
  const narrow = () => window.innerWidth < 640;

  const number = (value, digits) => value.toLocaleString(language, { maximumFractionDigits: digits, minimumFractionDigits: digits });
  const signed = (value) => (value > 0 ? "+" : value < 0 ? "\u2212" : "") + number(Math.abs(value), 1);
  const UNITS = {
    pp: signed,
    share: (value) => `${number(100 * value, 1)}%`,
    percent: (value) => `${number(value, 1)}%`,
    ratio: (value) => number(value, 2),
    difference: (value) => number(value, 3).replace("-", "\u2212"),
    yuan: (value) => value.toLocaleString(language, { style: "currency", currency: "CNY", currencyDisplay: "narrowSymbol", maximumFractionDigits: 0 }),
    number: (value) => value.toLocaleString(language, { maximumFractionDigits: 1 }),
  };
  const shown = (unit) => (value) => (value == null || Number.isNaN(value) ? "\u2014" : (UNITS[unit] ?? UNITS.number)(value));
  // Axes carry few digits, whatever the values do.
  const along = (unit) => (value) => ({ share: `${number(100 * value, 0)}%`, percent: `${number(value, 0)}%`, pp: signed(value).replace(/[.,]0$/, ""), ratio: number(value, 1) })[unit] ?? shown(unit)(value);
  const between = (unit, low, high) => (low == null ? "" : ` (${shown(unit)(low)} \u2013 ${shown(unit)(high)})`);

  const colours = () => {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(name).trim();
    return { ink: of("--jf-ink"), quiet: of("--jf-quiet"), line: of("--jf-line"), card: of("--jf-card"),
      series: [of("--jf-brand"), of("--jf-quiet"), of("--jf-info"), of("--jf-ok"), of("--jf-wait")] };
  };

  const frame = (of, more) => ({
    animation: false,
    aria: { enabled: true, label: { enabled: false }, decal: { show: true } },
    color: of.series,
    textStyle: { color: of.ink, fontFamily: getComputedStyle(document.body).fontFamily },
    tooltip: { renderMode: "richText", confine: true, backgroundColor: of.card, borderColor: of.line, textStyle: { color: of.ink } },
    legend: { top: 0, type: "plain", textStyle: { color: of.ink }, itemWidth: 30 },
    ...more,
  });
  const axis = (of, unit, more) => ({
    type: "value",
    axisLabel: { color: of.ink, formatter: along(unit), hideOverlap: true },
    axisLine: { lineStyle: { color: of.quiet } },
    splitLine: { lineStyle: { color: of.line } },
    nameTextStyle: { color: of.ink },
    ...more,
  });
  const names = (of, list, more) => ({
    type: "category",
    data: list,
    axisLabel: { color: of.ink, width: narrow() ? 96 : 230, overflow: "break", interval: 0 },
    axisLine: { lineStyle: { color: of.quiet } },
    axisTick: { show: false },
    ...more,
  });
  // A thin line where nothing differs, or where a limit lies.
  const marks = (of, at, across) => ({
    silent: true, symbol: "none", animation: false, label: { show: false },
    lineStyle: { color: of.quiet, type: "dashed", width: 1 },
    data: at.map((value) => (across ? { xAxis: value } : { yAxis: value })),
  });

  const lines = (of, chart) => {
    const series = [];
    chart.lines.forEach((line, nth) => {
      const step = chart.steps ? "end" : false;
      const band = { type: "line", stack: `band-${nth}`, symbol: "none", step, silent: true, lineStyle: { width: 0 }, tooltip: { show: false }, emphasis: { disabled: true } };
      const banded = line.points.filter((point) => point[2] != null && point[3] != null);
      if (banded.length) {
        series.push({ ...band, data: banded.map(([x, , low]) => [x, low]), areaStyle: { opacity: 0 } });
        series.push({ ...band, data: banded.map(([x, , low, high]) => [x, high - low]), areaStyle: { color: of.series[nth % 5], opacity: 0.16, decal: { symbol: "none" } } });
      }
      series.push({
        name: line.name, type: "line", step, color: of.series[nth % 5], symbol: SHAPES[nth % 4], symbolSize: 6,
        showSymbol: line.points.length < 40, lineStyle: { width: 2.5, type: DASHES[nth % 4] },
        data: line.points.map(([x, y]) => [x, y]), bounds: line.points,
      });
    });
    const least = Math.min(...chart.lines.flatMap((line) => line.points.map((point) => point[2] ?? point[1])));
    return frame(of, {
      grid: { left: 12, right: 20, top: narrow() ? 64 : 40, bottom: 34, containLabel: true },
      legend: { ...frame(of).legend, data: chart.lines.map((line) => line.name) },
      xAxis: axis(of, "number", { name: chart.along, nameLocation: "middle", nameGap: 28, splitLine: { show: false } }),
      yAxis: axis(of, chart.unit, { min: Math.max(0, Math.floor(10 * least) / 10), max: chart.unit === "share" ? 1 : null, scale: true }),
      tooltip: { ...frame(of).tooltip, trigger: "axis", formatter: (found) => {
        const x = found[0].axisValue;
        return [`${number(x, 0)} \u00b7 ${chart.along}`, ...chart.lines.map((line) => {
          const point = line.points.filter(([at]) => at <= x).pop();
          return point ? `${line.name}: ${shown(chart.unit)(point[1])}${between(chart.unit, point[2], point[3])}` : line.name;
        })].join("\n");
      } },
      series,
    });
  };

  // A bar from one height to another: below it a bar that cannot be seen. What crosses zero is two parts.
  const waterfall = (of, chart) => {
    const low = chart.from.map((from, at) => Math.min(from, chart.to[at]));
    const high = chart.from.map((from, at) => Math.max(from, chart.to[at]));
    const whole = (at) => at === 0 || at === chart.names.length - 1;
    const bar = { type: "bar", stack: "steps", barWidth: "60%" };
    const part = (value, at) => ({ value, itemStyle: { color: of.series[chart.sorts ? chart.sorts[at] : whole(at) ? (at ? 0 : 1) : 2] } });
    return frame(of, {
      legend: { show: false },
      grid: { left: 8, right: narrow() ? 52 : 72, top: 8, bottom: 8, containLabel: true },
      xAxis: axis(of, chart.unit, { splitNumber: narrow() ? 3 : 6 }),
      yAxis: names(of, chart.names, { inverse: true }),
      tooltip: { ...frame(of).tooltip, trigger: "item", formatter: (one) => `${chart.names[one.dataIndex]}: ${shown(chart.unit)(chart.values[one.dataIndex])}` },
      series: [
        { ...bar, silent: true, data: low.map((value, at) => (value > 0 ? value : high[at] < 0 ? high[at] : 0)), itemStyle: { color: "transparent", decal: { symbol: "none" } }, markLine: marks(of, [0], true) },
        { ...bar, data: high.map((value, at) => part(Math.max(value, 0) - Math.max(low[at], 0), at)) },
        { ...bar, data: low.map((value, at) => part(Math.min(value, 0) - Math.min(high[at], 0), at)) },
        { type: "scatter", symbolSize: 0.1, silent: true, data: chart.values.map((value, at) => [high[at], at]), tooltip: { show: false },
          label: { show: true, position: "right", color: of.ink, formatter: (one) => shown(chart.unit)(chart.values[one.dataIndex]) } },
      ],
    });
  };

  // What is no effect stays grey, beside whatever else.
  const tone = (one, nth) => (one.quiet ? 1 : [0, 2, 3, 4][nth % 4]);
  const ranges = (of, chart) => {
    const series = chart.series.flatMap((one, nth) => {
      const rows = one.rows.filter((row) => row[1] != null);
      const bounds = rows.filter((row) => row[2] != null).flatMap((row) => [[row[2], row[0]], [row[3], row[0]], [null, null]]);
      return [
        { type: "line", color: of.series[tone(one, nth)], symbol: "rect", symbolSize: [2, 10], silent: true, data: bounds, lineStyle: { width: 2, type: "solid" }, tooltip: { show: false }, emphasis: { disabled: true } },
        // What cannot be seen, but belongs on the axis: where nothing differs, and the limits.
        { type: "scatter", silent: true, symbolSize: 0, data: [chart.zero, ...(chart.limits ?? [])].map((value) => [value, 0]), tooltip: { show: false } },
        { name: one.name, type: "scatter", color: of.series[tone(one, nth)], symbol: SHAPES[nth % 4], symbolSize: 11, itemStyle: { decal: { symbol: "none" } },
          data: rows.map((row) => ({ value: [row[1], row[0]], row })), markLine: nth ? undefined : marks(of, [chart.zero, ...(chart.limits ?? [])], true) },
      ];
    });
    return frame(of, {
      legend: { ...frame(of).legend, data: chart.series.map((one) => one.name) },
      grid: { left: 8, right: 20, top: narrow() ? 30 + 24 * Math.ceil(chart.series.length / 2) : 40, bottom: 8, containLabel: true },
      xAxis: axis(of, chart.unit, { scale: true, splitNumber: narrow() ? 3 : 6 }),
      yAxis: names(of, chart.names, { inverse: true }),
      tooltip: { ...frame(of).tooltip, trigger: "item", formatter: (one) => one.data.row ? `${chart.names[one.data.row[0]]}\n${one.seriesName}: ${shown(chart.unit)(one.data.row[1])}${between(chart.unit, one.data.row[2], one.data.row[3])}` : "" },
      series,
    });
  };

  const bars = (of, chart) => {
    const category = names(of, chart.names, chart.across ? { inverse: true } : { axisLabel: { color: of.ink, hideOverlap: true, interval: "auto", rotate: narrow() ? 45 : 0 } });
    const value = axis(of, chart.unit, { max: chart.most ?? null, splitNumber: narrow() ? 3 : 5 });
    return frame(of, {
      legend: { ...frame(of).legend, data: chart.series.map((one) => one.name) },
      grid: { left: 8, right: 20, top: narrow() ? 30 + 24 * Math.ceil(chart.series.length / 2) : 40, bottom: 8, containLabel: true },
      xAxis: chart.across ? value : category,
      yAxis: chart.across ? category : value,
      tooltip: { ...frame(of).tooltip, trigger: "axis", axisPointer: { type: "shadow" }, formatter: (found) =>
        [chart.names[found[0].dataIndex], ...chart.series.map((one) => `${one.name}: ${shown(chart.unit)(one.values[found[0].dataIndex])}`)].join("\n") },
      series: chart.series.map((one, nth) => ({ name: one.name, type: "bar", color: of.series[nth % 5], stack: chart.stacked ? "all" : undefined, data: one.values })),
    });
  };

  // Months along, a sign and its interval for each; several lines stand a little apart. No line joins them: each is its own.
  const months = (of, chart) => {
    const limits = [0, ...chart.limits];
    const all = chart.lines.flatMap((line) => line.points.filter((point) => point[1] != null));
    const first = Math.min(...all.map(([x]) => x)), last = Math.max(...all.map(([x]) => x));
    const series = chart.lines.flatMap((line, nth) => {
      const shift = 0.2 * (nth - (chart.lines.length - 1) / 2);
      const points = line.points.filter((point) => point[1] != null);
      const bounds = points.filter((point) => point[2] != null).flatMap(([x, , low, high]) => [[x + shift, low], [x + shift, high], [null, null]]);
      return [
        { type: "line", color: of.series[nth % 5], symbol: "rect", symbolSize: [8, 2], silent: true, data: bounds, lineStyle: { width: 2, type: "solid" }, tooltip: { show: false }, emphasis: { disabled: true } },
        { type: "scatter", silent: true, symbolSize: 0, data: limits.map((value) => [first, value]), tooltip: { show: false } },
        { name: line.name, type: "scatter", color: of.series[nth % 5], symbol: SHAPES[nth % 4], symbolSize: 10, itemStyle: { decal: { symbol: "none" } },
          data: points.map((point) => ({ value: [point[0] + shift, point[1]], point })), markLine: nth ? undefined : marks(of, limits, false) },
      ];
    });
    return frame(of, {
      legend: { ...frame(of).legend, data: chart.lines.map((line) => line.name) },
      grid: { left: 12, right: 20, top: narrow() ? 64 : 40, bottom: 34, containLabel: true },
      xAxis: axis(of, "number", { name: chart.along, nameLocation: "middle", nameGap: 28, splitLine: { show: false }, min: first - 1, max: last + 1, interval: 1,
        axisLabel: { color: of.ink, hideOverlap: true, formatter: (x) => (x < first || x > last ? "" : number(x, 0).replace("-", "\u2212")) } }),
      yAxis: axis(of, chart.unit, { scale: true }),
      tooltip: { ...frame(of).tooltip, trigger: "item", formatter: (one) => one.data.point
        ? `${number(one.data.point[0], 0)} \u00b7 ${chart.along}\n${one.seriesName}: ${shown(chart.unit)(one.data.point[1])}${between(chart.unit, one.data.point[2], one.data.point[3])}` : "" },
      series,
    });
  };

  const plane = (of, chart) => frame(of, {
    legend: { ...frame(of).legend, data: chart.points.map((point) => point.name) },
    grid: { left: 12, right: 24, top: narrow() ? 64 : 40, bottom: 34, containLabel: true },
    xAxis: axis(of, "number", { name: chart.along, nameLocation: "middle", nameGap: 28, scale: true, splitNumber: narrow() ? 3 : 6 }),
    yAxis: axis(of, "yuan", { scale: true }),
    tooltip: { ...frame(of).tooltip, trigger: "item", formatter: (one) => one.data.point
      ? `${one.data.point.name}\n${chart.along}: ${shown("number")(one.data.point.x[0])}${between("number", one.data.point.x[1], one.data.point.x[2])}\n${chart.upwards}: ${shown("yuan")(one.data.point.y[0] / 100)}`
      : "" },
    series: chart.points.flatMap((point, nth) => {
      const [x, left, right] = point.x;
      const [y, below, above] = point.y.map((fen) => (fen == null ? null : fen / 100));
      const cross = [[left, y], [right, y], [null, null], ...(below == null ? [] : [[x, below], [x, above]])];
      const colour = of.series[nth % 5];
      return [
        { type: "scatter", color: colour, symbol: SHAPES[nth % 4], symbolSize: 4, silent: true, itemStyle: { opacity: 0.3, decal: { symbol: "none" } }, tooltip: { show: false },
          data: point.cloud.map(([kept, fen]) => [kept, fen / 100]) },
        { type: "line", color: colour, symbol: "none", silent: true, data: cross, lineStyle: { width: 2, type: point.hollow ? [4, 3] : "solid" }, tooltip: { show: false } },
        { name: point.name, type: "scatter", color: colour, symbol: SHAPES[nth % 4], symbolSize: 15, data: [{ value: [x, y], point }],
          itemStyle: { color: point.hollow ? of.card : colour, borderColor: colour, borderWidth: 2, decal: { symbol: "none" } }, markLine: nth ? undefined : marks(of, [0], true) },
      ];
    }),
  });

  const KINDS = { lines, waterfall, ranges, bars, months, plane };
  const height = (chart) => ({ waterfall: 40 + 56 * (chart.names?.length ?? 0), ranges: 90 + (narrow() ? 46 : 30) * (chart.names?.length ?? 0), bars: chart.across ? 90 + 30 * chart.names.length : 320 })[chart.kind] ?? 360;

  const places = [...document.querySelectorAll("[data-chart]")].map((place) => ({ place, chart: JSON.parse(place.dataset.chart) }));
  const draw = () => places.forEach((one) => {
    one.place.hidden = false;
    one.place.style.height = `${height(one.chart)}px`;
    one.drawn ??= window.echarts.init(one.place, null, { renderer: "canvas", devicePixelRatio: Math.max(2, window.devicePixelRatio) });
    one.drawn.resize();
    one.drawn.setOption(KINDS[one.chart.kind](colours(), one.chart), { notMerge: true });
  });
  if (!window.echarts || !places.length) return;
  draw();
  let waiting;
  window.addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(draw, 120); });
  new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
  window.matchMedia("print").addEventListener("change", draw);  // paper has another width, and light colours (theme.js)
})();
