import { readFileSync } from 'node:fs'
import { Eta } from 'eta'
import type { Mail, Recipient } from './mail.ts'
import { type Wording, wordsIn } from './words.ts'

export interface RenderedMail {
  /** Nothing that anybody typed. */
  readonly subject: string
  readonly text: string
  readonly html: string
}

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8')

// Left as it stands, line for line: Eta would eat the line ends after its tags.
const plain = new Eta({ autoEscape: false, autoTrim: false })
const escaping = new Eta({ autoEscape: true })
const textTemplate = plain.compile(read('mail.text.eta'))
const htmlTemplate = escaping.compile(read('mail.html.eta'))

/** The mail as text and as HTML that needs nothing from elsewhere; what comes from outside is escaped. */
export function renderMail({ firstName, language }: Recipient, mail: Mail): RenderedMail {
  const words = wordsIn[language]
  const wordingOf = words.wordingOf[mail.kind] as (mail: Mail) => Wording
  const wording = wordingOf(mail)
  const filling = {
    language,
    greeting: words.greeting(asName(firstName)),
    automatic: words.automatic,
    actions: [],
    ...wording,
  }
  return {
    subject: wording.subject,
    text: plain.render(textTemplate, filling),
    html: escaping.render(htmlTemplate, filling),
  }
}

/**
 * Empty unless it looks like a name: whoever registers somebody else's address chooses the name too, and must not
 * write to them through us ("Ada, visit evil.example").
 */
function asName(firstName: string): string {
  return /^\p{L}[\p{L}\p{M}'’ -]{0,29}$/u.test(firstName) ? firstName : ''
}
