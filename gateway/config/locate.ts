import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type Node } from 'yaml'
import type { Finding, Path } from './problem.ts'

/** Where a finding is shown: at its path, or at the other party's when its own value is a default. */
export function locate(
  document: Document,
  { path, otherPath = path }: Finding,
): { path: Path; node: Node | null } {
  const own = nodeAt(document, path)
  if (own.isExact) return { path, node: own.node }
  const other = nodeAt(document, otherPath)
  return other.isExact ? { path: otherPath, node: other.node } : { path, node: own.node }
}

/** The node at a path, or the nearest one above it: a default has no node of its own. */
function nodeAt(document: Document, path: Path): { node: Node | null; isExact: boolean } {
  let nearest: Node | null = document.contents
  for (const key of path) {
    const parent: unknown = isAlias(nearest) ? nearest.resolve(document) : nearest
    let child: unknown
    if (isMap(parent))
      child = parent.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === key)?.value
    if (isSeq(parent)) child = parent.items[key as number]
    if (!isNode(child)) return { node: nearest, isExact: false }
    nearest = child
  }
  return { node: nearest, isExact: true }
}
