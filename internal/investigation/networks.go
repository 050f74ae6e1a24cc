package investigation

import (
	"net/netip"
	"strings"

	"go4.org/netipx"
)

// fewestPrefixes writes networks as hunts name them (a /24, or the first four groups of an IPv6 address) as the fewest
// CIDR prefixes of the same addresses, in the order of addresses, and after them what names no network.
func fewestPrefixes(networks []string) []string {
	var set netipx.IPSetBuilder
	var others []string
	for _, n := range networks {
		text := n
		if strings.Count(n, ":") == 3 && !strings.Contains(n, "::") {
			text += "::/64"
		}
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			others = append(others, n)
			continue
		}
		set.AddPrefix(prefix)
	}
	var out []string
	// The builder's errors are of prefixes that are none; those were set aside.
	if all, err := set.IPSet(); err == nil {
		for _, p := range all.Prefixes() {
			out = append(out, p.String())
		}
	}
	return append(out, others...)
}
