-- Replaces the hash of a session's refresh secret. A secret that is not the current one was used
-- before, by its owner or by a thief: nobody can tell which, so the session ends for both.
--
-- KEYS   1: the session (hash)  2: the account's sessions (sorted set)
-- ARGV   1: session id  2: hash presented  3: next hash
-- reply  0 no such session | 1 rotated | 2 reused, and ended

local current = redis.call('HGET', KEYS[1], 'refreshHash')
if not current then return 0 end
if current == ARGV[2] then
  redis.call('HSET', KEYS[1], 'refreshHash', ARGV[3])
  return 1
end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return 2
