package function

import (
	"math"
	"strings"
	"unicode/utf8"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// punycodeFuncs encode text with the alphabet of host names. golang.org/x/net/idna maps and checks names; Kusto keeps
// them as they are, capitals and blanks included.
// https://www.rfc-editor.org/rfc/rfc3492
var punycodeFuncs = []Func{
	{Name: "punycode_from_string", Signatures: []string{"string -> string"}, Go: punycode(toPunycode), Doc: "punycode-from-string-function"},
	{Name: "punycode_to_string", Signatures: []string{"string -> string"}, Go: punycode(fromPunycode), Doc: "punycode-to-string-function"},
	{Name: "punycode_domain_from_string", Signatures: []string{"string -> string"}, Go: punycode(eachLabel(decodeLabel)), Doc: "punycode-domain-from-string-function"},
	{Name: "punycode_domain_to_string", Signatures: []string{"string -> string"}, Go: punycode(eachLabel(encodeLabel)), Doc: "punycode-domain-to-string-function"},
}

// maxPunycode bounds the length of text that is converted, which takes time by its square; a host name has 253 bytes.
const maxPunycode = 1 << 14

// punycode answers with an empty string where the text cannot be converted.
func punycode(f func(string) (string, bool)) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		text := args[0].(string)
		if len(text) > maxPunycode {
			return "", nil
		}
		out, ok := f(text)
		if !ok {
			return "", nil
		}
		return out, nil
	}
}

// labelSeparators are the full stops that IDNA takes as dots.
var labelSeparators = strings.NewReplacer("\u3002", ".", "\uff0e", ".", "\uff61", ".")

func eachLabel(f func(string) (string, bool)) func(string) (string, bool) {
	return func(domain string) (string, bool) {
		labels := strings.Split(labelSeparators.Replace(domain), ".")
		for i, label := range labels {
			var ok bool
			if labels[i], ok = f(label); !ok {
				return "", false
			}
		}
		return strings.Join(labels, "."), true
	}
}

const acePrefix = "xn--"

func encodeLabel(label string) (string, bool) {
	for _, r := range label {
		if r >= utf8.RuneSelf {
			out, ok := toPunycode(label)
			return acePrefix + out, ok
		}
	}
	return label, true
}

func decodeLabel(label string) (string, bool) {
	if len(label) < len(acePrefix) || !strings.EqualFold(label[:len(acePrefix)], acePrefix) {
		return label, true
	}
	return fromPunycode(label[len(acePrefix):])
}

// The parameters of punycode: https://www.rfc-editor.org/rfc/rfc3492#section-5
const (
	punyBase, punyMin, punyMax  = 36, 1, 26
	punySkew, punyDamp          = 38, 700
	punyFirstBias, punyFirstRun = 72, 128
	punyDigits                  = "abcdefghijklmnopqrstuvwxyz0123456789"
)

func punyAdapt(delta, points int, first bool) int {
	if first {
		delta /= punyDamp
	} else {
		delta /= 2
	}
	delta += delta / points
	k := 0
	for ; delta > (punyBase-punyMin)*punyMax/2; k += punyBase {
		delta /= punyBase - punyMin
	}
	return k + (punyBase-punyMin+1)*delta/(delta+punySkew)
}

func punyThreshold(k, bias int) int { return min(max(k-bias, punyMin), punyMax) }

func toPunycode(text string) (string, bool) {
	runes := []rune(text)
	var out strings.Builder
	for _, r := range runes {
		if r < utf8.RuneSelf {
			out.WriteRune(r)
		}
	}
	basic := out.Len()
	if basic > 0 {
		out.WriteByte('-')
	}
	n, delta, bias := punyFirstRun, 0, punyFirstBias
	for done := basic; done < len(runes); {
		next := math.MaxInt32
		for _, r := range runes {
			if int(r) >= n {
				next = min(next, int(r))
			}
		}
		delta += (next - n) * (done + 1)
		n = next
		for _, r := range runes {
			if int(r) < n {
				delta++
			}
			if int(r) != n {
				continue
			}
			rest := delta
			for k := punyBase; ; k += punyBase {
				t := punyThreshold(k, bias)
				if rest < t {
					break
				}
				out.WriteByte(punyDigits[t+(rest-t)%(punyBase-t)])
				rest = (rest - t) / (punyBase - t)
			}
			out.WriteByte(punyDigits[rest])
			bias = punyAdapt(delta, done+1, done == basic)
			delta = 0
			done++
		}
		delta++
		n++
	}
	return out.String(), true
}

func fromPunycode(text string) (string, bool) {
	basic := strings.LastIndexByte(text, '-')
	out := []rune(text[:max(basic, 0)])
	for _, r := range text {
		if r >= utf8.RuneSelf {
			return "", false
		}
	}
	digits := text[basic+1:]
	n, at, bias := punyFirstRun, 0, punyFirstBias
	for len(digits) > 0 {
		before, weight := at, 1
		for k := punyBase; ; k += punyBase {
			if digits == "" {
				return "", false
			}
			digit := strings.IndexByte(punyDigits, digits[0]|0x20*(digits[0]>>6))
			digits = digits[1:]
			if digit < 0 || digit > (math.MaxInt32-at)/weight {
				return "", false
			}
			at += digit * weight
			t := punyThreshold(k, bias)
			if digit < t {
				break
			}
			if weight > math.MaxInt32/(punyBase-t) {
				return "", false
			}
			weight *= punyBase - t
		}
		points := len(out) + 1
		bias = punyAdapt(at-before, points, before == 0)
		n += at / points
		at %= points
		if n > utf8.MaxRune || !utf8.ValidRune(rune(n)) {
			return "", false
		}
		out = append(out[:at], append([]rune{rune(n)}, out[at:]...)...)
		at++
	}
	return string(out), true
}
