package simulate

import (
	"encoding/hex"
	"math/rand/v2"
	"time"
)

// dice is a source of chance for one thing alone: a person, a person's day, an incident. What happens to one never
// shifts what happens to another, so that a tenant with attacks is the same tenant without them, plus the attacks.
type dice struct{ *rand.Rand }

// throw returns the dice of the thing that a path names.
func throw(seed uint64, path ...uint64) dice {
	h := mix(seed)
	for _, p := range path {
		h = mix(h ^ p)
	}
	return dice{rand.New(rand.NewPCG(h, mix(h)))}
}

// mix is the finaliser of SplitMix64.
// https://prng.di.unimi.it/splitmix64.c
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (d dice) between(lo, hi int) int { return lo + d.IntN(hi-lo+1) }

func (d dice) chance(p float64) bool { return d.Float64() < p }

// span is a duration from lo to hi with all its digits: Entra's clock counts 100 ns.
func (d dice) span(lo, hi time.Duration) time.Duration {
	if hi <= lo {
		return lo
	}
	return (lo + time.Duration(d.Int64N(int64(hi-lo)))).Truncate(100)
}

func pick[T any](d dice, list []T) T { return list[d.IntN(len(list))] }

// some returns n different members of a list, in an order of chance.
func some[T any](d dice, n int, list []T) []T {
	out := append([]T(nil), list...)
	d.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out[:min(n, len(out))]
}

// guid is 16 bytes in the order in which their text is written.
type guid [16]byte

func (d dice) guid() (g guid) {
	a, b := d.Uint64(), d.Uint64()
	for i := range 8 {
		g[i], g[8+i] = byte(a>>(8*i)), byte(b>>(8*i))
	}
	g[6] = g[6]&0x0f | 0x40
	g[8] = g[8]&0x3f | 0x80
	return g
}

func (d dice) guidText() string { return d.guid().String() }

// appendTo writes the five groups of hexadecimal digits.
func (g guid) appendTo(b []byte) []byte {
	b = append(hex.AppendEncode(b, g[:4]), '-')
	b = append(hex.AppendEncode(b, g[4:6]), '-')
	b = append(hex.AppendEncode(b, g[6:8]), '-')
	b = append(hex.AppendEncode(b, g[8:10]), '-')
	return hex.AppendEncode(b, g[10:])
}

func (g guid) String() string { return string(g.appendTo(nil)) }

// little is the order of bytes in which .NET hands a GUID over, and of which Entra makes a token's identifier.
func (g guid) little() guid {
	g[0], g[1], g[2], g[3] = g[3], g[2], g[1], g[0]
	g[4], g[5] = g[5], g[4]
	g[6], g[7] = g[7], g[6]
	return g
}
