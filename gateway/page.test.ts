import { describe, expect, it } from 'vitest'
import { escapeHtml, pageSecurityPolicy, pageStyle, pickLanguage, renderPage } from './page.ts'

const from = (acceptLanguage?: string, cookie?: string, query?: unknown) =>
  pickLanguage({ query, cookie, acceptLanguage })

describe('the language of a page', () => {
  it.each([
    ['fr', 'fr'],
    ['fr-CA,en;q=0.8', 'fr'],
    ['en-GB, fr;q=0.9', 'en'],
    ['en;q=0.5, fr;q=0.9', 'fr'],
    ['de, fr;q=0.2', 'fr'],
    ['fr;q=0, en;q=0.1', 'en'],
    ['de', 'en'],
    ['*', 'en'],
    ['', 'en'],
    [undefined, 'en'],
    ['fr;q=x, ;;,,', 'en'],
    [`${'de,'.repeat(5_000)}fr`, 'en'],
  ])('for Accept-Language %.30s is %s', (header, language) => {
    expect(from(header)).toBe(language)
  })

  it('is the one that was chosen, rather than what the browser prefers', () => {
    expect(from('en', 'a=b; guichet_language=fr')).toBe('fr')
    expect(from('en', 'guichet_language=fr; a=b')).toBe('fr')
    expect(from('en', 'x_guichet_language=fr')).toBe('en')
    expect(from('en', 'guichet_language=xx')).toBe('en')
    expect(from('en', '__Host-guichet-language=fr')).toBe('fr')
    expect(from('en', 'guichet_language=en; __Host-guichet-language=fr')).toBe('fr')
  })

  it('is above all the one the address asks for, when it is one', () => {
    expect(from('en', 'guichet_language=en', 'fr')).toBe('fr')
    for (const query of ['xx', ['fr'], { fr: 1 }, null]) expect(from('fr', undefined, query)).toBe('fr')
  })
})

describe('a page', () => {
  const page = renderPage({ language: 'fr', title: '<b> & "x"', body: '<h1>Bonjour</h1>' })

  it('says its language, fits a phone, and lets a keyboard skip to the content', () => {
    expect(page).toMatch(/^<!doctype html>\n<html lang="fr">/)
    expect(page).toContain('name="viewport" content="width=device-width, initial-scale=1"')
    expect(page).toContain('<a class="skip" href="#content">Aller au contenu</a>')
    expect(page).toContain('<main id="content"')
  })

  it('escapes its title', () => {
    expect(page).toContain('<title>&#60;b&#62; &#38; &#34;x&#34; · Guichet</title>')
    expect(escapeHtml(`<a href='"'>&`)).not.toMatch(/[<>"']|&(?!#\d+;)/)
  })

  it('needs nothing that its own policy forbids', () => {
    const languageLinks = { fr: '/auth/login?lang=fr&return_to=%2F', en: '/auth/login?lang=en&return_to=%2F' }
    const whole = renderPage({ language: 'en', title: 't', body: '', languageLinks })
    expect(whole).not.toMatch(/<script|<style|style=|https?:(?!\/\/www\.w3\.org)/)
    expect(pageSecurityPolicy).toMatch(/default-src 'none'; style-src 'self'/)
    expect(pageStyle).not.toMatch(/url\(|@import/)
  })

  it('marks the language it is in', () => {
    const languageLinks = { fr: '/?lang=fr', en: '/?lang=en' }
    const whole = renderPage({ language: 'en', title: 't', body: '', languageLinks })
    expect(whole).toMatch(/<a href="\/\?lang=en" lang="en" hreflang="en" aria-current="true">English</)
    expect(whole).toMatch(/<a href="\/\?lang=fr" lang="fr" hreflang="fr">Français</)
  })

  it('can be read in the light and in the dark (WCAG AA)', () => {
    const [light, dark] = pageStyle
      .split('prefers-color-scheme: dark')
      .map(
        (part) =>
          new Map(
            [...part.matchAll(/--([\w-]+): #([0-9a-f]{6});/g)].map((found) => [found[1], found[2]] as const),
          ),
      )
    for (const theme of [light, dark]) {
      const ratio = (a: string, b: string): number => contrast(theme?.get(a) ?? '', theme?.get(b) ?? '')
      for (const [ink, paper] of [
        ['ink', 'paper'],
        ['ink', 'card'],
        ['soft', 'paper'],
        ['soft', 'card'],
        ['accent', 'card'],
        ['on-accent', 'accent'],
        ['on-accent', 'accent-strong'],
        ['alert', 'alert-paper'],
      ] as const) {
        expect(ratio(ink, paper), `${ink} on ${paper}`).toBeGreaterThanOrEqual(4.5)
      }
      expect(ratio('line', 'card'), 'the edge of a field').toBeGreaterThanOrEqual(3)
    }
  })
})

/** WCAG 2.2, relative luminance and contrast ratio. */
function contrast(a: string, b: string): number {
  const luminance = (hex: string): number => {
    const [r = 0, g = 0, blue = 0] = [0, 2, 4].map((at) => {
      const channel = Number.parseInt(hex.slice(at, at + 2), 16) / 255
      return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * blue
  }
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].toSorted((x, y) => x - y)
  return (light + 0.05) / (dark + 0.05)
}
