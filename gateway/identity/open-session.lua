-- Opens a session and lists it among its account's, from which those that have expired are dropped.
--
-- KEYS   1: the session (hash)  2: the account's sessions (sorted set: id by expiry in milliseconds)
-- ARGV   1: session id  2: hash of the refresh secret  3: opened at, milliseconds  4: lifetime, milliseconds
-- reply  the time in milliseconds, as text

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lifetime = tonumber(ARGV[4])

redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'refreshHash', ARGV[2], 'openedAtMs', ARGV[3])
redis.call('PEXPIRE', KEYS[1], lifetime)

redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
redis.call('ZADD', KEYS[2], now + lifetime, ARGV[1])
-- The list lives as long as the session in it that lives longest.
if redis.call('PTTL', KEYS[2]) < lifetime then redis.call('PEXPIRE', KEYS[2], lifetime) end

return string.format('%.0f', now)
