/** What the page gains where scripts run: tables that sort, a legend that singles out, figures to download, lists that can be copied. */
export const SCRIPT = `
document.querySelectorAll('table.sortable').forEach(function (table) {
  var heads = table.tHead.rows[1].cells;
  Array.prototype.forEach.call(heads, function (head, at) {
    var button = document.createElement('button');
    button.type = 'button';
    button.textContent = head.textContent;
    head.textContent = '';
    head.appendChild(button);
    button.addEventListener('click', function () {
      var down = head.getAttribute('aria-sort') !== 'descending';
      Array.prototype.forEach.call(heads, function (h) { h.removeAttribute('aria-sort'); });
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      var value = function (row) { return parseFloat(row.cells[at + 1].textContent.replace('\\u2212', '-')); };
      var body = table.tBodies[0];
      Array.prototype.slice.call(body.rows).sort(function (a, b) {
        var x = value(a), y = value(b);
        if (isNaN(x) || isNaN(y)) return isNaN(x) - isNaN(y);
        return down ? y - x : x - y;
      }).forEach(function (row) { body.appendChild(row); });
    });
  });
});
document.querySelectorAll('.legend').forEach(function (legend) {
  var items = legend.querySelectorAll('li');
  legend.setAttribute('role', 'group');
  var pick = function (item) {
    var on = item.getAttribute('aria-pressed') !== 'true';
    items.forEach(function (i) { i.setAttribute('aria-pressed', on && i === item); });
    legend.parentNode.querySelectorAll('.charts [fill^="var("],.charts [stroke^="var("]').forEach(function (mark) {
      var colours = [mark.getAttribute('fill'), mark.getAttribute('stroke')].filter(function (c) { return /^var\\(--(s\\d+|base)\\)$/.test(c); });
      if (colours.length) mark.style.opacity = on && colours.indexOf(item.dataset.c) < 0 ? 0.08 : '';
    });
  };
  items.forEach(function (item) {
    item.setAttribute('role', 'button');
    item.setAttribute('aria-pressed', 'false');
    item.tabIndex = 0;
    item.addEventListener('click', function () { pick(item); });
    item.addEventListener('keydown', function (e) { if (e.key === 'Enter' || e.key === ' ') { e.preventDefault(); pick(item); } });
  });
});
var asSvg = function (drawn) {
  var svg = drawn.cloneNode(true), box = drawn.viewBox.baseVal, css = getComputedStyle(document.documentElement);
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  svg.setAttribute('width', box.width);
  svg.setAttribute('height', box.height);
  svg.setAttribute('font-family', 'Helvetica, Arial, sans-serif');
  ['style', 'aria-hidden', 'focusable'].forEach(function (name) { svg.removeAttribute(name); });
  var ground = '<rect x="' + box.x + '" y="' + box.y + '" width="' + box.width + '" height="' + box.height + '" fill="var(--bg)"/>';
  return new XMLSerializer().serializeToString(svg).replace(/^<[^>]*>/, function (tag) { return tag + ground; })
    .replace(/var\\((--[\\w-]+)\\)/g, function (_, name) { return css.getPropertyValue(name).trim(); });
};
var save = function (blob, name) {
  var link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(function () { URL.revokeObjectURL(link.href); }, 1000);
};
var asPng = function (drawn, name) {
  var box = drawn.viewBox.baseVal, image = new Image(), canvas = document.createElement('canvas'), scale = 3;
  canvas.width = scale * box.width;
  canvas.height = scale * box.height;
  image.onload = function () {
    canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob(function (blob) { save(blob, name); });
  };
  image.src = 'data:image/svg+xml;charset=utf-8,' + encodeURIComponent(asSvg(drawn));
};
document.querySelectorAll('figure').forEach(function (figure) {
  var drawn = figure.querySelector('.plot svg'), csv = figure.querySelector('a.csv');
  if (!drawn || !csv) return;
  var file = csv.download.replace(/\\.csv$/, '');
  var add = function (kind, act) {
    var button = document.createElement('button');
    button.type = 'button';
    button.className = 'csv';
    button.textContent = kind;
    button.setAttribute('aria-label', 'This figure as ' + kind + ': ' + file + '.' + kind.toLowerCase());
    button.addEventListener('click', act);
    csv.parentNode.appendChild(button);
  };
  add('SVG', function () { save(new Blob([asSvg(drawn)], { type: 'image/svg+xml' }), file + '.svg'); });
  add('PNG', function () { asPng(drawn, file + '.png'); });
});
document.querySelectorAll('.bibtex').forEach(function (text) { text.addEventListener('focus', function () { text.select(); }); });
if (navigator.clipboard) document.querySelectorAll('.genes').forEach(function (list) {
  var button = document.createElement('button');
  button.type = 'button';
  button.className = 'copy';
  button.textContent = 'Copy genes';
  button.addEventListener('click', function () {
    var names = Array.prototype.map.call(list.querySelectorAll('b'), function (b) { return b.textContent; });
    navigator.clipboard.writeText(names.join('\\n')).then(function () { button.textContent = 'Copied'; });
  });
  list.parentNode.insertBefore(button, list);
});
`;
