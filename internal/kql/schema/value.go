package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Value is one cell of a result. By type: nil (null), bool, int64 (int and long), float64, DecimalText, string
// (string and guid), Ticks (datetime: since 0001-01-01 UTC; timespan: a length), json.RawMessage (dynamic).
type Value any

// Ticks counts 100 ns, Kusto's unit of datetime and timespan.
type Ticks int64

// DecimalText is a decimal with all its digits.
type DecimalText string

// Units of Ticks.
const (
	Tick        Ticks = 1
	Microsecond       = 10 * Tick
	Millisecond       = 1000 * Microsecond
	Second            = 1000 * Millisecond
	Minute            = 60 * Second
	Hour              = 60 * Minute
	Day               = 24 * Hour
)

// UnixEpoch is 1970-01-01T00:00:00Z; MaxDatetime is the last tick of the year 9999.
const (
	UnixEpoch   = 621355968000000000 * Tick
	MaxDatetime = 3155378975999999999 * Tick
)

// TicksOf converts a time to ticks since 0001-01-01.
func TicksOf(t time.Time) Ticks {
	return UnixEpoch + Ticks(t.Unix())*Second + Ticks(t.Nanosecond()/100)
}

// Time converts a datetime's ticks to a time in UTC.
func (t Ticks) Time() time.Time {
	since := t - UnixEpoch
	seconds := since / Second
	rest := since % Second
	return time.Unix(int64(seconds), int64(rest)*100).UTC()
}

// RFC3339 renders a datetime with as many fraction digits (0 to 7) as it has.
func (t Ticks) RFC3339() string {
	text := t.Time().Format("2006-01-02T15:04:05")
	if f := t % Second; f != 0 {
		text += "." + strings.TrimRight(fmt.Sprintf("%07d", f), "0")
	}
	return text + "Z"
}

// Full renders a datetime with all seven fraction digits, as tostring() and dynamic values have it.
func (t Ticks) Full() string {
	return t.Time().Format("2006-01-02T15:04:05") + fmt.Sprintf(".%07dZ", t%Second)
}

// Span renders a timespan in Kusto's form [-][d.]hh:mm:ss[.fffffff].
func (t Ticks) Span() string {
	sign := ""
	u := uint64(t)
	if t < 0 {
		sign = "-"
		u = -u
	}
	day, hour, minute, second := uint64(Day), uint64(Hour), uint64(Minute), uint64(Second)
	var b strings.Builder
	b.WriteString(sign)
	if d := u / day; d > 0 {
		fmt.Fprintf(&b, "%d.", d)
	}
	fmt.Fprintf(&b, "%02d:%02d:%02d", u%day/hour, u%hour/minute, u%minute/second)
	if f := u % second; f > 0 {
		fmt.Fprintf(&b, ".%07d", f)
	}
	return b.String()
}

// AppendJSON appends v, a value of type t, as the `query` contract prints cells.
func AppendJSON(b []byte, t Type, v Value) []byte {
	switch v := v.(type) {
	case nil:
		if t == String {
			return append(b, `""`...)
		}
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		return appendReal(b, v)
	case DecimalText:
		return append(b, v...)
	case Ticks:
		if t == Timespan {
			return strconv.AppendQuote(b, v.Span())
		}
		return strconv.AppendQuote(b, v.RFC3339())
	case json.RawMessage:
		if len(v) == 0 {
			return append(b, "null"...)
		}
		return append(b, v...)
	case string:
		return appendString(b, v)
	default:
		return appendString(b, fmt.Sprint(v))
	}
}

func appendReal(b []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(b, `"NaN"`...)
	case math.IsInf(v, 1):
		return append(b, `"Infinity"`...)
	case math.IsInf(v, -1):
		return append(b, `"-Infinity"`...)
	}
	form := byte('f')
	if size := math.Abs(v); size != 0 && (size < 1e-5 || size >= 1e15) { // where .NET goes over to exponents
		form = 'e'
	}
	text := strconv.AppendFloat(nil, v, form, -1, 64)
	b = append(b, text...)
	if !strings.ContainsAny(string(text), ".e") {
		b = append(b, ".0"...)
	}
	return b
}

func appendString(b []byte, s string) []byte {
	if !strings.ContainsFunc(s, escaped) { // most have nothing in them that JSON writes in another way
		return append(append(append(b, '"'), s...), '"')
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) != nil {
		return append(b, `""`...)
	}
	return append(b, bytes.TrimSuffix(text.Bytes(), []byte{'\n'})...)
}

// escaped tells what may be written otherwise within a JSON string.
func escaped(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r > '~' }
