// Evaluated on a page: a sentence for everything that would keep somebody from using it. WCAG 2.2 AA as far as a program sees it.
;(() => {
  const found = []
  for (const details of document.querySelectorAll('details')) details.open = true
  const nameOf = (element) =>
    `<${element.localName}> ${JSON.stringify(element.textContent.trim().slice(0, 40))}`

  const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id)
  for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i)))
    found.push(`two elements have the id ${id}`)
  for (const attribute of ['for', 'aria-describedby', 'aria-labelledby']) {
    for (const element of document.querySelectorAll(`[${attribute}]`)) {
      for (const id of element.getAttribute(attribute).split(' ')) {
        if (document.getElementById(id) === null) found.push(`${attribute}="${id}" names nothing`)
      }
    }
  }

  for (const input of document.querySelectorAll('input')) {
    if (input.type === 'hidden' || input.hidden) continue
    if (![...input.labels].some((label) => label.textContent.trim() !== ''))
      found.push(`no label: ${input.outerHTML}`)
    if (!input.autocomplete) found.push(`no autocomplete: ${input.outerHTML}`)
    if (input.getAttribute('aria-invalid') === 'true' && !input.hasAttribute('aria-describedby')) {
      found.push(`invalid, and nobody says why: ${input.outerHTML}`)
    }
  }
  for (const element of document.querySelectorAll('a[href], button, summary')) {
    if (element.textContent.trim() === '') found.push(`no name: ${element.outerHTML}`)
  }

  const levels = [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')].map(({ localName }) =>
    Number(localName[1]),
  )
  if (levels.filter((level) => level === 1).length !== 1 || levels[0] !== 1)
    found.push(`headings begin with ${levels}`)
  levels.forEach((level, i) => {
    if (i > 0 && level > levels[i - 1] + 1)
      found.push(`a heading of level ${level} below one of level ${levels[i - 1]}`)
  })
  if (document.querySelectorAll('main').length !== 1) found.push('not one <main>')
  if (!/^(fr|en)$/.test(document.documentElement.lang)) found.push('no language')
  if (document.title.trim() === '') found.push('no title')

  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  function rgba(color) {
    canvas.clearRect(0, 0, 1, 1)
    canvas.fillStyle = color
    canvas.fillRect(0, 0, 1, 1)
    return [...canvas.getImageData(0, 0, 1, 1).data]
  }
  function luminance(color) {
    const [r, g, b] = rgba(color).map((value) => {
      const share = value / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  function backgroundOf(element) {
    for (let each = element; each !== null; each = each.parentElement) {
      const { backgroundColor } = getComputedStyle(each)
      if (rgba(backgroundColor)[3] === 255) return backgroundColor
    }
    return 'white'
  }
  function contrast(one, other) {
    const [dark, light] = [luminance(one), luminance(other)].toSorted((a, b) => a - b)
    return (light + 0.05) / (dark + 0.05)
  }
  let measured = 0
  for (const element of document.querySelectorAll('body *')) {
    const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '')
    if (!hasText || !element.checkVisibility()) continue
    measured += 1
    const ratio = contrast(getComputedStyle(element).color, backgroundOf(element))
    if (ratio < 4.5) found.push(`contrast ${ratio.toFixed(2)}: ${nameOf(element)}`)
  }
  for (const input of document.querySelectorAll('input:not([type=hidden], [hidden])')) {
    const ratio = contrast(getComputedStyle(input).borderColor, backgroundOf(input.parentElement))
    if (ratio < 3) found.push(`contrast of a border ${ratio.toFixed(2)}: ${input.outerHTML}`)
  }
  if (measured === 0) found.push('no text at all')

  const { scrollWidth, clientWidth } = document.documentElement
  if (scrollWidth > clientWidth) found.push(`${scrollWidth} px wide in a window of ${clientWidth}`)
  return found
})()
