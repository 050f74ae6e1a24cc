package simulate

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// system is an operating system as Entra names it.
type system string

const (
	windows10 system = "Windows10"
	windows11 system = "Windows11"
	macOS     system = "MacOs"
	linux     system = "Linux"
	headless  system = "" // what has no agent that names one
	iOS       system = "Ios"
	android   system = "Android"
)

func (s system) phone() bool { return s == iOS || s == android }

// machine is a device with its browser, registered or not.
type machine struct {
	id, name  string // empty where the tenant does not know it
	system    system
	trust     string // as Entra words it: Azure AD joined, Hybrid Azure AD joined, Azure AD registered
	compliant bool
	managed   bool
	bound     bool // its tokens are bound to its security chip
	browser   string
	major     int       // the browser's release on the first day
	updates   int       // a new release after so many days
	since     time.Time // when it came into use; zero means before the evidence
	until     time.Time
	voice     []string // what everything on it calls itself, where that is not up to the client
}

// browsers by system, with the chance of each.
var browsers = map[system][]string{
	windows10: {"Edge", "Edge", "Edge", "Chrome", "Firefox"}, windows11: {"Edge", "Edge", "Edge", "Chrome", "Firefox"},
	macOS: {"Safari", "Chrome", "Edge"}, linux: {"Firefox", "Chrome"}, headless: {"Firefox", "Chrome"}, iOS: {"Safari"}, android: {"Chrome"},
}

// release is a browser's version on a day: everybody is on the newest or one or two behind it.
func (m *machine) release(day int) int { return m.major + day/28 + boolInt(day%28 > m.updates) }

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// platforms are the systems as browsers name them.
var platforms = map[system]string{
	windows10: "Windows NT 10.0; Win64; x64", windows11: "Windows NT 10.0; Win64; x64", macOS: "Macintosh; Intel Mac OS X 10_15_7",
	linux: "X11; Linux x86_64", headless: "X11; Linux x86_64", android: "Linux; Android 10; K", iOS: "iPhone; CPU iPhone OS 18_3_1 like Mac OS X",
}

// browserAgent is the string that the browser sends.
func (m *machine) browserAgent(day int) string {
	v := m.release(day)
	platform := platforms[m.system]
	switch m.browser {
	case "Firefox":
		version := strconv.Itoa(v+2) + ".0"
		return "Mozilla/5.0 (" + platform + "; rv:" + version + ") Gecko/20100101 Firefox/" + version
	case "Safari":
		if m.system == iOS {
			return "Mozilla/5.0 (" + platform + ") AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Mobile/15E148 Safari/604.1"
		}
		return "Mozilla/5.0 (" + platform + ") AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Safari/605.1.15"
	case "Edge":
		version := strconv.Itoa(v) + ".0.0.0"
		return "Mozilla/5.0 (" + platform + ") AppleWebKit/537.36 (KHTML, like Gecko) Chrome/" + version + " Safari/537.36 Edg/" + version
	}
	mobile := ""
	if m.system == android {
		mobile = " Mobile"
	}
	return "Mozilla/5.0 (" + platform + ") AppleWebKit/537.36 (KHTML, like Gecko) Chrome/" + strconv.Itoa(v) + ".0.0.0" + mobile + " Safari/537.36"
}

// parsedBrowser is the browser as Entra parses it.
func (m *machine) parsedBrowser(day int) string {
	switch {
	case m.browser == "Safari":
		if m.system == iOS {
			return "Mobile Safari 18.3"
		}
		return "Safari 18.3"
	case m.system == android:
		return "Chrome Mobile " + strconv.Itoa(m.release(day)) + ".0.0"
	case m.browser == "Firefox":
		return "Firefox " + strconv.Itoa(m.release(day)+2) + ".0"
	}
	return m.browser + " " + strconv.Itoa(m.release(day)) + ".0.0"
}

// clientAgent is what a native client on this machine sends.
func (m *machine) clientAgent(d dice, c *client, day int) string {
	switch m.system {
	case iOS:
		return pick(d, []string{"Outlook-iOS/2.0", "", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_3_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148", "Microsoft%20Authenticator/6.8.20 CFNetwork/1568.300.101 Darwin/24.2.0"})
	case android:
		return pick(d, []string{"Dalvik/2.1.0 (Linux; U; Android 14; SM-S911B Build/UP1A.231005.007)", "", "Mozilla/5.0 (Linux; Android 14; SM-S911B) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/133.0.6943.49 Mobile Safari/537.36 PKeyAuth/1.0"})
	case macOS:
		return pick(d, []string{"", "Microsoft Office/16.93 (Macintosh; Intel Mac OS X 15.3)", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"})
	case linux, headless:
		return pick(d, []string{"", m.browserAgent(day)})
	}
	if len(c.agents) == 0 {
		return ""
	}
	return pick(d, c.agents)
}

// detail is the DeviceDetail of a row: what Entra learns of the machine depends on whether the client shows the device's
// certificate, which a foreign browser does not.
func (m *machine) appendDetail(b []byte, browser string, known bool) []byte {
	id := ""
	if known {
		id = m.id
	}
	b = append(append(b, `{"deviceId":"`...), id...)
	b = append(b, '"')
	if id != "" && m.name != "" {
		b = append(append(append(b, `,"displayName":"`...), m.name...), '"')
	}
	b = append(append(append(b, `,"operatingSystem":"`...), m.system...), `","browser":"`...)
	b = append(append(b, browser...), '"')
	if id != "" {
		if m.managed {
			b = strconv.AppendBool(append(b, `,"isCompliant":`...), m.compliant)
			b = append(b, `,"isManaged":true`...)
		}
		b = append(append(append(b, `,"trustType":"`...), m.trust...), '"')
	}
	return append(b, '}')
}

// newMachine draws a device of a system. What is registered differs from what is not by its identifier alone.
func newMachine(d dice, s system, registered bool) *machine {
	m := &machine{system: s, browser: pick(d, browsers[s]), major: 131 + d.between(0, 2), updates: d.between(3, 26)}
	if d.chance(0.03) {
		m.major -= d.between(4, 22) // somebody's updates are off
	}
	if !registered {
		return m
	}
	m.id = d.guidText()
	m.managed = true
	m.compliant = d.chance(0.93)
	switch {
	case s.phone():
		m.trust, m.name = "Azure AD registered", pick(d, []string{"iPhone", "SM-S911B", "Pixel 8", "iPhone"})
		m.managed = d.chance(0.5)
	case d.chance(0.25):
		m.trust = "Hybrid Azure AD joined"
	default:
		m.trust = "Azure AD joined"
	}
	if !s.phone() {
		m.name = fmt.Sprintf("%s-%s", pick(d, []string{"LAP", "DESKTOP", "PC", "NB"}), strings.ToUpper(m.id[:7]))
	}
	m.bound = d.chance(0.5)
	return m
}
