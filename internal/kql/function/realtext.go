package function

import (
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"strings"
	"sync"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// realTextFuncs write a real as text.
var realTextFuncs = []Func{
	{Name: "real_text", Signatures: []string{"real -> string"}, Go: goRealText, Doc: "tostring-function"},
}

// goRealText writes a finite real as Kusto does. Recorded answers of its emulator have 0.30000000000000007 for 0.1 + 0.2, which
// is what the library RapidJSON 1.1 makes of it: by Grisu2 it finds the fewest digits that are read as the same real, but
// brings the last one nearest to the real only where it stands at the ninth place behind the point or before.
// Florian Loitsch, Printing Floating-Point Numbers Quickly and Accurately with Integers, 2010.
func goRealText(args []schema.Value) (schema.Value, error) {
	x := args[0].(float64)
	sign := ""
	if math.Signbit(x) {
		sign, x = "-", -x
	}
	if x == 0 {
		return sign + "0.0", nil
	}
	digits, exponent := grisu(x)
	return sign + placed(digits, exponent), nil
}

// placed writes digits * 10^exponent: with a point where it stands among the first 21 places or at most five zeros follow it.
func placed(digits string, exponent int) string {
	point := len(digits) + exponent
	switch {
	case exponent >= 0 && point <= 21:
		return digits + strings.Repeat("0", exponent) + ".0"
	case point > 0 && point <= 21:
		return digits[:point] + "." + digits[point:]
	case point > -6 && point <= 0:
		return "0." + strings.Repeat("0", -point) + digits
	case len(digits) == 1:
		return digits + "e" + strconv.Itoa(point-1)
	}
	return digits[:1] + "." + digits[1:] + "e" + strconv.Itoa(point-1)
}

// float is f * 2^e.
type float struct {
	f uint64
	e int
}

func (a float) times(b float) float {
	high, low := bits.Mul64(a.f, b.f)
	return float{high + low>>63, a.e + b.e + 64}
}

func (a float) normal() float {
	n := bits.LeadingZeros64(a.f)
	return float{a.f << n, a.e - n}
}

// Of the powers of ten every eighth is at hand, from the least on.
const leastPower, stepPower, countPowers = -348, 8, 87

var powersOfTen = sync.OnceValue(func() (powers [countPowers]float) {
	for i := range powers {
		exponent := leastPower + i*stepPower
		power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(exponent, -exponent))), nil)
		x := new(big.Float).SetPrec(64).SetInt(power)
		if exponent < 0 {
			x.Quo(big.NewFloat(1), new(big.Float).SetInt(power))
		}
		e := x.MantExp(x)
		f, _ := x.SetMantExp(x, 64).Uint64()
		powers[i] = float{f, e - 64}
	}
	return powers
})

// grisu returns the digits of x and the power of ten of the last.
func grisu(x float64) (digits string, exponent int) {
	const hidden = 1 << 52
	mantissa := math.Float64bits(x)
	v := float{mantissa & (hidden - 1), -1074}
	if e := int(mantissa >> 52); e != 0 {
		v = float{v.f | hidden, e - 1075}
	}
	above := float{v.f<<1 + 1, v.e - 1}.normal()
	below := float{v.f<<1 - 1, v.e - 1}
	if v.f == hidden {
		below = float{v.f<<2 - 1, v.e - 2}
	}
	below = float{below.f << (below.e - above.e), above.e}

	k := int(math.Ceil(float64(-61-above.e)*math.Log10(2))) + 347
	index := k>>3 + 1
	power := powersOfTen()[index]
	near, high, low := v.normal().times(power), above.times(power), below.times(power)
	high.f--
	low.f++
	out, n := fewest(near, high, high.f-low.f)
	return out, n - leastPower - index*stepPower
}

// fewest returns the fewest digits of a number that is at most delta below high, brought near to w where that is known.
func fewest(w, high float, delta uint64) (digits string, exponent int) {
	shift := -high.e
	whole, rest := uint32(high.f>>shift), high.f&(1<<shift-1)
	distance := high.f - w.f
	var out []byte
	kappa := len(strconv.FormatUint(uint64(whole), 10))
	for unit := uint32(math.Pow10(kappa - 1)); kappa > 0; unit /= 10 {
		out = append(out, '0'+byte(whole/unit))
		whole %= unit
		kappa--
		if left := uint64(whole)<<shift + rest; left <= delta {
			return nearer(out, delta, left, uint64(unit)<<shift, distance), kappa
		}
	}
	for scale := uint64(10); ; scale *= 10 {
		rest *= 10
		delta *= 10
		if digit := byte(rest >> shift); digit != 0 || len(out) > 0 {
			out = append(out, '0'+digit)
		}
		rest &= 1<<shift - 1
		kappa--
		if rest < delta {
			if kappa <= -9 {
				return string(out), kappa
			}
			return nearer(out, delta, rest, 1<<shift, distance*scale), kappa
		}
	}
}

// nearer lessens the last digit, which is worth unit, while that brings the number nearer to what lies distance below the
// greatest.
func nearer(digits []byte, delta, rest, unit, distance uint64) string {
	for rest < distance && delta-rest >= unit && (rest+unit < distance || distance-rest > rest+unit-distance) {
		digits[len(digits)-1]--
		rest += unit
	}
	return string(digits)
}
