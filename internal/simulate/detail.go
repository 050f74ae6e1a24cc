package simulate

import (
	"strconv"
	"strings"
	"time"
)

// descriptions are what Entra says of a ResultType.
// https://learn.microsoft.com/entra/identity-platform/reference-error-codes
var descriptions = map[string]string{
	"0": "", "50058": "Session information is not sufficient for single-sign-on.", "50140": "This error occurred due to 'Keep me signed in' interrupt when the user was signing-in.",
	"50074": "Strong Authentication is required.", "50076": "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access the resource.",
	"50072": "User needs to enroll for second factor authentication.", "50078": "Presented multi-factor authentication has expired due to policies configured by your administrator, you must refresh your multi-factor authentication to access the resource.",
	"50097": "Device authentication is required.", "50125": "Sign-in was interrupted due to a password reset or password registration entry.", "50126": "Error validating credentials due to invalid username or password.",
	"50133": "Session is invalid due to expiration or recent password change.", "50173": "The provided grant has expired due to it being revoked, a fresh auth token is needed.", "50196": "The server terminated an operation because it encountered a client request loop.",
	"50199": "For security reasons, user confirmation is required for this request.", "16000": "Other", "53003": "Access has been blocked by Conditional Access policies.", "530003": "Your device is required to be managed to access this resource.",
	"530032": "Access has been blocked due to risk policies.", "65001": "The user or administrator has not consented to use the application.", "65002": "Consent between first party application and first party resource must be configured via preauthorization.",
	"70008": "The provided authorization code or refresh token has expired due to inactivity.", "70043": "The refresh token has expired or is invalid due to sign-in frequency checks by Conditional Access.", "70044": "The session has expired or is invalid due to sign-in frequency checks by Conditional Access.",
	"700082": "The refresh token has expired due to inactivity.", "90094": "Admin consent is required for the permissions requested by this application.", "500011": "The resource principal was not found in the tenant.", "500121": "Authentication failed during strong authentication request.",
	"54005": "OAuth2 authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.", "50057": "User account is disabled.", "50131": "Device is not in required device state.", "50129": "Device is not workplace joined.",
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// riskLevel is hidden from tenants without the licence for it.
func (e *event) riskLevel(w *world) string {
	switch {
	case !w.premium:
		return "hidden"
	case e.risk == nil:
		return "none"
	}
	return e.risk.level
}

func (e *event) riskTypes() string {
	if e.risk == nil {
		return "[]"
	}
	return `["` + e.risk.kind + `"]`
}

const (
	firstByClaim  = "First factor requirement satisfied by claim in the token"
	secondByClaim = "MFA requirement satisfied by claim in the token"
)

func (e *event) appendStatus(b []byte) []byte {
	b = append(append(b, `{"errorCode":`...), e.code...)
	switch {
	case e.code != "0":
		b = strconv.AppendQuote(append(b, `,"failureReason":`...), descriptions[e.code])
	case e.strong && len(e.factors) == 0:
		b = append(b, `,"additionalDetails":"`+secondByClaim+`"`...)
	case e.strong:
		b = append(b, `,"additionalDetails":"MFA completed in Azure AD"`...)
	}
	return append(b, '}')
}

func (e *event) appendMFA(b []byte) []byte {
	if len(e.factors) > 1 {
		return append(append(append(b, `{"authMethod":"`...), e.factors[1].method...), `","authDetail":""}`...)
	}
	return append(b, "{}"...)
}

// appendSteps writes how the request was authenticated. Half of the silent rows have no steps at all.
func (e *event) appendSteps(b []byte) []byte {
	step := func(at time.Time, method, detail, result, requirement string, sequence int, succeeded bool) {
		b = appendTime(append(b, `{"authenticationStepDateTime":"`...), at)
		b = append(append(append(b, `+00:00","authenticationMethod":"`...), method...), '"')
		if detail != "" {
			b = append(append(append(b, `,"authenticationMethodDetail":"`...), detail...), '"')
		}
		b = strconv.AppendBool(append(b, `,"succeeded":`...), succeeded)
		b = append(append(append(b, `,"authenticationStepResultDetail":"`...), result...), `","authenticationStepRequirement":"`...)
		b = append(append(b, requirement...), `","StatusSequence":0,"RequestSequence":`...)
		b = append(strconv.AppendInt(b, int64(sequence), 10), '}')
	}
	b = append(b, '[')
	switch {
	case len(e.factors) > 0:
		begin := e.at.Add(-e.factors[len(e.factors)-1].after)
		for i, f := range e.factors {
			if i > 0 {
				b = append(b, ',')
			}
			requirement := "Primary authentication"
			if i > 0 {
				requirement = "Multifactor authentication"
			}
			step(begin.Add(f.after), f.method, f.detail, f.result, requirement, i+1, true)
		}
	case e.code == "50126":
		step(e.at, "Password", "Password in the cloud", "Invalid username or password or Invalid on-premise username or password.", "Primary authentication", 1, false)
	case e.table == interactive && (e.code == "50074" || e.code == "50140"):
		step(e.at, "Password", "Password in the cloud", "Correct password", "Primary authentication", 1, true)
	case e.table == silent && e.id[3]%2 == 0:
	case e.code == "0" && e.strong:
		step(e.at, "Previously satisfied", "", secondByClaim, "Multifactor authentication", 0, true)
	case e.code == "0":
		step(e.at, "Previously satisfied", "", firstByClaim, "Primary authentication", 0, true)
	}
	return append(b, ']')
}

func (e *event) appendProcessing(b []byte) []byte {
	sep := ""
	b = append(b, `[{"key":"Legacy TLS (TLS 1.0, 1.1, 3DES)","value":"False"},{"key":"Oauth Scope Info","value":"[`...)
	for s := range strings.FieldsSeq(e.to.scopes) {
		b = append(append(append(append(b, sep...), `\"`...), s...), `\"`...)
		sep = ","
	}
	b = append(b, `]"},{"key":"Is CAE Token","value":"`...)
	if e.to == graph || e.to == exchange || e.to == sharepoint || e.to == teams {
		b = append(b, "True"...)
	} else {
		b = append(b, "False"...)
	}
	return append(b, `"}]`...)
}

// appendProtection says whether the session is bound to the machine.
func (e *event) appendProtection(b []byte) []byte {
	switch {
	case e.table == silent && e.known && e.machine.bound && e.token == "primaryRefreshToken":
		return append(b, `{"signInSessionStatus":"bound","signInSessionStatusCode":0}`...)
	case e.table == silent && e.client.manner == native:
		return append(b, `{"signInSessionStatus":"unbound","signInSessionStatusCode":1002}`...)
	}
	return append(b, `{"signInSessionStatus":"none","signInSessionStatusCode":0}`...)
}

// policies are the tenant's rules of conditional access, rendered for each outcome.
type policies struct {
	list  [2]string // by whether a second factor was required
	block string
}

func newPolicies(d dice) policies {
	names := []string{"Require MFA for all users", "Block legacy authentication", "Require compliant device (report-only)", "Session controls for browsers", "Block risky sign-ins"}
	var p policies
	count := d.between(1, 3)
	for strong := range 2 {
		var list []object
		for i, name := range names[:count] {
			result, grant := "notApplied", []string{"Mfa"}
			switch i {
			case 0:
				if strong == 1 {
					result = "success"
				}
			case 1:
				grant = []string{"Block"}
			case 2:
				result, grant = "reportOnlyNotApplied", []string{"RequireCompliantDevice"}
			case 3:
				grant = []string{}
			}
			list = append(list, object{"id": throw(1, uint64(i), d.Uint64()).guidText(), "displayName": name, "enforcedGrantControls": grant, "enforcedSessionControls": []string{}, "result": result, "conditionsSatisfied": 3, "conditionsNotSatisfied": 0})
		}
		p.list[strong] = jsonText(list)
	}
	p.block = strings.Replace(p.list[1], `"result":"success"`, `"result":"failure"`, 1)
	return p
}

func (p *policies) blocked(e *event) bool {
	return e.code == "53003" || e.code == "530003" || e.code == "50076" || e.code == "50074" || e.code == "50131"
}

func (p *policies) applied(e *event) string {
	if p.blocked(e) {
		return p.block
	}
	return p.list[boolInt(e.strong)]
}

func (p *policies) status(e *event) string {
	switch {
	case p.blocked(e):
		return "failure"
	case e.strong:
		return "success"
	}
	return "notApplied"
}

// principalOf is the tenant's service principal of a resource: always the same.
func (w *world) principalOf(r *resource) string {
	if id, ok := w.servicePrincipals.Load(r.id); ok {
		return id.(string)
	}
	h := w.strictness
	for _, b := range []byte(r.id) {
		h = mix(h ^ uint64(b))
	}
	id := throw(h).guidText()
	w.servicePrincipals.Store(r.id, id)
	return id
}
