package function

import (
	"encoding/json"
	"net/netip"
	"strconv"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// https://learn.microsoft.com/kusto/query/scalar-functions#ipv4ipv6-functions
var networkFuncs = []Func{
	{Name: "parse_ipv4", Signatures: []string{"text -> long"}, Go: goParseIPv4, Doc: "parse-ipv4-function"},
	{Name: "parse_ipv4_mask", Signatures: []string{"text, long -> long"}, Go: goParseIPv4Mask, Doc: "parse-ipv4-mask-function"},
	{Name: "format_ipv4", Signatures: []string{"any, long? -> string"}, Go: goFormatIPv4(false), Doc: "format-ipv4-function"},
	{Name: "format_ipv4_mask", Signatures: []string{"any, long? -> string"}, Go: goFormatIPv4(true), Doc: "format-ipv4-mask-function"},
	{Name: "ipv4_is_private", Signatures: []string{"text -> bool"}, Go: goIPv4IsPrivate, Doc: "ipv4-is-private-function"},
	{Name: "ipv4_is_in_range", Signatures: []string{"text, text -> bool"}, Go: goInRange(true), Doc: "ipv4-is-in-range-function"},
	{Name: "ipv6_is_in_range", Signatures: []string{"text, text -> bool"}, Go: goInRange(false), Doc: "ipv6-is-in-range-function"},
	{Name: "ipv4_is_in_any_range", Signatures: []string{"text, texts+ -> bool"}, Go: goInAnyRange(true), NullIn: true, Doc: "ipv4-is-in-any-range-function"},
	{Name: "ipv6_is_in_any_range", Signatures: []string{"text, texts+ -> bool"}, Go: goInAnyRange(false), NullIn: true, Doc: "ipv6-is-in-any-range-function"},
	{Name: "ipv4_compare", Signatures: []string{"text, text, long? -> long"}, Go: goIPCompare(true), Doc: "ipv4-compare-function"},
	{Name: "ipv6_compare", Signatures: []string{"text, text, long? -> long"}, Go: goIPCompare(false), Doc: "ipv6-compare-function"},
	{Name: "ipv4_is_match", Signatures: []string{"text, text, long? -> bool"}, Go: goIPMatch(true), Doc: "ipv4-is-match-function"},
	{Name: "ipv6_is_match", Signatures: []string{"text, text, long? -> bool"}, Go: goIPMatch(false), Doc: "ipv6-is-match-function"},
	{Name: "ipv4_netmask_suffix", Signatures: []string{"text -> long"}, Go: goNetmaskSuffix, Doc: "ipv4-netmask-suffix-function"},
	{Name: "ipv4_range_to_cidr_list", Signatures: []string{"text, text -> dynamic"}, Go: goRangeToCIDR, Doc: "ipv4-range-to-cidr-list-function"},
	{Name: "parse_ipv6", Signatures: []string{"text -> string"}, Go: goParseIPv6, Doc: "parse-ipv6-function"},
	{Name: "parse_ipv6_mask", Signatures: []string{"text, long -> string"}, Go: goParseIPv6Mask, Doc: "parse-ipv6-mask-function"},
}

// prefix reads `a.b.c.d[/n]` or an IPv6 address. Within four says that only IPv4 is accepted; else IPv4 is mapped.
func prefix(text string, four bool) (netip.Prefix, bool) {
	addr, bits, hasBits := strings.Cut(strings.TrimSpace(text), "/")
	a, err := netip.ParseAddr(addr)
	if err != nil || a.Zone() != "" || four && !a.Is4() {
		return netip.Prefix{}, false
	}
	n := a.BitLen()
	if hasBits {
		if n, err = strconv.Atoi(bits); err != nil || n < 0 || n > a.BitLen() {
			return netip.Prefix{}, false
		}
	}
	if !four && a.Is4() {
		n += 96
		a = netip.AddrFrom16(a.As16())
	}
	if !four && strings.HasPrefix(addr, "::") && strings.Contains(addr, ".") { // an IPv4 address in the notation of IPv6
		b := a.As16()
		a = netip.AddrFrom16(netip.AddrFrom4([4]byte(b[12:])).As16())
		if hasBits && n <= 32 {
			n += 96
		}
	}
	return netip.PrefixFrom(a, n), true
}

func masked(p netip.Prefix) netip.Addr { return p.Masked().Addr() }

func number(a netip.Addr) int64 {
	b := a.As4()
	return int64(b[0])<<24 | int64(b[1])<<16 | int64(b[2])<<8 | int64(b[3])
}

func goParseIPv4(args []schema.Value) (schema.Value, error) {
	p, ok := prefix(args[0].(string), true)
	if !ok {
		return nil, nil
	}
	return number(masked(p)), nil
}

func goParseIPv4Mask(args []schema.Value) (schema.Value, error) {
	p, ok := prefix(args[0].(string), true)
	n := args[1].(int64)
	if !ok || n < 0 || n > 32 {
		return nil, nil
	}
	return number(masked(netip.PrefixFrom(p.Addr(), min(int(n), p.Bits())))), nil
}

func goFormatIPv4(withMask bool) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		bits := int64(32)
		if len(args) == 2 {
			bits = args[1].(int64)
		}
		if bits < 0 || bits > 32 {
			return "", nil
		}
		var p netip.Prefix
		switch v := args[0].(type) {
		case string:
			q, ok := prefix(v, true)
			if !ok {
				return "", nil
			}
			p = q
		case int64:
			if v < 0 || v > 1<<32-1 {
				return "", nil
			}
			p = netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}), 32)
		default:
			return "", nil
		}
		n := min(int(bits), p.Bits())
		text := masked(netip.PrefixFrom(p.Addr(), n)).String()
		if withMask {
			text += "/" + strconv.Itoa(n)
		}
		return text, nil
	}
}

// privateRanges are the ranges that Kusto calls private.
// https://learn.microsoft.com/kusto/query/ipv4-is-private-function
var privateRanges = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
}

func goIPv4IsPrivate(args []schema.Value) (schema.Value, error) {
	p, ok := prefix(args[0].(string), true)
	if !ok {
		return nil, nil
	}
	for _, r := range privateRanges {
		if r.Contains(p.Addr()) && p.Bits() >= r.Bits() {
			return true, nil
		}
	}
	return false, nil
}

func contains(ip, network string, four bool) (bool, bool) {
	a, okA := prefix(ip, four)
	n, okN := prefix(network, four)
	if !okA || !okN {
		return false, false
	}
	return n.Contains(masked(a)) && a.Bits() >= n.Bits(), true
}

func goInRange(four bool) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		in, ok := contains(args[0].(string), args[1].(string), four)
		if !ok {
			return nil, nil
		}
		return in, nil
	}
}

func goInAnyRange(four bool) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		ip, _ := args[0].(string)
		if _, ok := prefix(ip, four); !ok {
			return nil, nil
		}
		for _, a := range args[1:] {
			var ranges []string
			switch v := a.(type) {
			case string: // one range, or the JSON text of several
				if !strings.HasPrefix(v, "[") {
					ranges = []string{v}
				} else if json.Unmarshal([]byte(v), &ranges) != nil {
					return nil, nil
				}
			}
			for _, r := range ranges {
				if in, ok := contains(ip, r, four); ok && in {
					return true, nil
				}
			}
		}
		return false, nil
	}
}

func goIPCompare(four bool) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		a, okA := prefix(args[0].(string), four)
		b, okB := prefix(args[1].(string), four)
		if !okA || !okB {
			return nil, nil
		}
		bits := min(a.Bits(), b.Bits())
		if len(args) == 3 {
			n := int(args[2].(int64))
			if n < 0 || n > a.Addr().BitLen() {
				return nil, nil
			}
			bits = min(bits, n)
		}
		x, y := masked(netip.PrefixFrom(a.Addr(), bits)), masked(netip.PrefixFrom(b.Addr(), bits))
		return int64(x.Compare(y)), nil
	}
}

func goIPMatch(four bool) func([]schema.Value) (schema.Value, error) {
	compare := goIPCompare(four)
	return func(args []schema.Value) (schema.Value, error) {
		v, err := compare(args)
		if v == nil || err != nil {
			return nil, err
		}
		return v.(int64) == 0, nil
	}
}

func goNetmaskSuffix(args []schema.Value) (schema.Value, error) {
	p, ok := prefix(args[0].(string), true)
	if !ok {
		return nil, nil
	}
	return int64(p.Bits()), nil
}

// goRangeToCIDR covers a range of addresses with the fewest prefixes.
func goRangeToCIDR(args []schema.Value) (schema.Value, error) {
	from, okFrom := prefix(args[0].(string), true)
	to, okTo := prefix(args[1].(string), true)
	if !okFrom || !okTo {
		return nil, nil
	}
	var out []json.RawMessage
	for at, end := number(from.Addr()), number(to.Addr()); at <= end; {
		bits := 32
		for bits > 0 && at%(1<<(33-bits)) == 0 && at+1<<(33-bits)-1 <= end {
			bits--
		}
		network := netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(at >> 24), byte(at >> 16), byte(at >> 8), byte(at)}), bits)
		out = append(out, schema.AppendJSON(nil, schema.String, network.String()))
		at += 1 << (32 - bits)
	}
	return array(out), nil
}

func longForm(a netip.Addr) string { return a.StringExpanded() }

func goParseIPv6(args []schema.Value) (schema.Value, error) {
	p, ok := prefix(args[0].(string), false)
	if !ok {
		return "", nil
	}
	return longForm(netip.AddrFrom16(masked(p).As16())), nil
}

func goParseIPv6Mask(args []schema.Value) (schema.Value, error) {
	p, ok := prefix(args[0].(string), false)
	n := int(args[1].(int64))
	if !ok || n < 0 || n > 128 {
		return "", nil
	}
	return longForm(masked(netip.PrefixFrom(p.Addr(), min(n, p.Bits())))), nil
}
