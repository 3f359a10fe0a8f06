/** What the page gains where scripts run: tables that sort, a legend that singles out, gene lists that can be copied. */
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
