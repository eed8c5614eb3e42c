// Counts down the wait of an error page, and then says that it is over. Nothing is focused or loaded by itself.
const wait = document.querySelector('[data-seconds]')
const again = document.getElementById('again')

function duration(seconds) {
  const parts = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'min'],
    [seconds % 60, 's'],
  ]
  return parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ')
}

// From when the answer arrived, on a clock that goes on while the machine sleeps.
const endsAtMs = performance.timeOrigin + performance.now() + Number(wait.dataset.seconds) * 1000

const ticking = setInterval(tick, 250)

function tick() {
  const seconds = Math.ceil((endsAtMs - Date.now()) / 1000)
  if (seconds > 0) {
    wait.querySelector('strong').textContent = duration(seconds)
    return
  }
  clearInterval(ticking)
  wait.hidden = true
  const link = document.createElement('a')
  link.href = location.href
  link.textContent = again.dataset.link
  again.append(`${again.dataset.sentence} `, link)
}
