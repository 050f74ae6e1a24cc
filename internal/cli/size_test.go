package cli

import (
	"runtime/debug"
	"testing"
)

// TestSize reads sizes: GB is a thousand million bytes, GiB 2 to the 30th.
func TestSize(t *testing.T) {
	for text, want := range map[string]size{"2GB": 2_000_000_000, "500 mb": 500_000_000, "1.5GiB": 1_610_612_736, "1TB": 1_000_000_000_000} {
		var s size
		if err := s.Set(text); err != nil || s != want {
			t.Errorf("%s is %d bytes: %v, want %d", text, s, err, want)
		}
	}
	for _, text := range []string{"", "GB", "2", "-1GB", "1e30GB", "NaNGB", "10MB", "2GB; SELECT 1"} {
		var s size
		if err := s.Set(text); err == nil {
			t.Errorf("%q is read as %d bytes", text, s)
		}
	}
	if s := size(2e9); s.String() != "2GB" {
		t.Errorf("the default shows as %s", s.String())
	}
}

// TestAllowGarbage: what the user's environment says of the garbage collector holds.
func TestAllowGarbage(t *testing.T) {
	const before = 77
	defer debug.SetGCPercent(debug.SetGCPercent(before))
	for said, want := range map[string]int{"50": before, "off": before, "": garbage} {
		t.Setenv("GOGC", said)
		debug.SetGCPercent(before)
		allowGarbage()
		if got := debug.SetGCPercent(before); got != want {
			t.Errorf("with GOGC=%q it is %d, want %d", said, got, want)
		}
	}
}
