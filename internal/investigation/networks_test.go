package investigation

import (
	"slices"
	"testing"
)

func TestFewestPrefixes(t *testing.T) {
	for name, c := range map[string]struct{ in, want []string }{
		"none":           {nil, nil},
		"neighbours":     {[]string{"109.40.243.0/24", "109.40.240.0/24", "109.40.242.0/24", "109.40.241.0/24"}, []string{"109.40.240.0/22"}},
		"no neighbours":  {[]string{"109.40.241.0/24", "109.40.242.0/24"}, []string{"109.40.241.0/24", "109.40.242.0/24"}},
		"by address":     {[]string{"203.0.113.0/24", "2.0.0.0/24"}, []string{"2.0.0.0/24", "203.0.113.0/24"}},
		"IPv6":           {[]string{"2001:0db8:000c:0001", "2001:0db8:000c:0000"}, []string{"2001:db8:c::/63"}},
		"what is no net": {[]string{"somewhere", "192.0.2.0/24"}, []string{"192.0.2.0/24", "somewhere"}},
	} {
		if got := fewestPrefixes(c.in); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
