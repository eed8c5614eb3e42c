import type { Static } from 'typebox'
import { onTestFinished } from 'vitest'
import type { ArticleJson, ArticlesJson } from './api/article-json.ts'
import { createApp } from './app.ts'
import { openSqliteArticles } from './articles.sqlite.ts'

export const anne = { 'x-forwarded-user': '1', 'x-forwarded-name': 'Anne%20Martin' }
export const bob = { 'x-forwarded-user': '2', 'x-forwarded-name': 'Bob' }

/** EtuServices on a free port with an empty shelf in memory, closed with the test. `call` asks it over real HTTP. */
export async function startTestApp(articles = openSqliteArticles(':memory:')) {
  const options = {
    loginUrl: '/auth/login',
    logoutUrl: '/auth/logout',
    accountUrl: '/auth/account',
    logLevel: 'silent',
    proof: null,
  } as const
  const app = await createApp({ articles, ...options, now: () => new Date('2026-03-04T05:06:07Z') })
  const url = await app.listen({ port: 0 })
  onTestFinished(async () => {
    await app.close()
    await articles.close()
  })
  const call = (path: string, init: RequestInit = {}) =>
    fetch(`${url}${path}`, { redirect: 'manual', ...init })
  return {
    articles,
    call,
    sell: (body: object, headers: object = anne) =>
      call('/api/vente', {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    post: (path: string, form: Record<string, string>, headers: Record<string, string> = anne) =>
      call(path, { method: 'POST', headers, body: new URLSearchParams(form) }),
  }
}

export async function articleIn(answer: Response): Promise<Static<typeof ArticleJson>> {
  return (await answer.json()) as Static<typeof ArticleJson>
}

export async function articlesIn(answer: Response): Promise<Static<typeof ArticlesJson>> {
  return (await answer.json()) as Static<typeof ArticlesJson>
}
