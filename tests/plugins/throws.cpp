// Throws, in every operation, what the credential `what` says. Nothing of it may leave the plugin or let anybody in.
#include <doorward_plugin.hpp>
#include <stdexcept>

namespace dp = doorward::plugin;

class throws {
  public:
    static constexpr auto about = dp::about("throws", "Throws").given().knowledge().channel("throws").can_start()
                                      .keeps_records(1, 16).has_steps(16);
    static constexpr dwp_field fields[] = {
        dp::field("what", 16).optional().asked_for(DWP_FOR_ENROLL | DWP_FOR_VERIFY | DWP_FOR_UPDATE),
        dp::field("what", 16).optional().asked_for(DWP_FOR_ENROLL | DWP_FOR_VERIFY | DWP_FOR_UPDATE).at_step(1),
    };
    explicit throws(const dp::config &config)
    {
        if (config.provider() == "broken")
            throw dp::failure::config("the option x must be y");
    }
    dp::verdict normalize(const dp::request &rq, dp::reply &rp) { return thrown(rq.identifier_raw(), rp); }
    dp::verdict enroll(const dp::request &rq, dp::reply &rp) { return thrown(rq.credential("what"), rp); }
    dp::verdict verify(const dp::request &rq, dp::reply &rp) { return thrown(rq.credential("what"), rp); }
    dp::verdict update(const dp::request &rq, dp::reply &rp) { return thrown(rq.credential("what"), rp); }
    dp::verdict step(const dp::request &rq, dp::reply &rp) { return thrown(rq.credential("what"), rp); }
    void describe(const dp::request &, dp::reply &) { throw std::runtime_error("no description"); }
    void health(const dp::host &) { throw dp::failure::unavailable("the backend sleeps"); }

  private:
    static dp::verdict thrown(std::string_view what, dp::reply &rp)
    {
        if (what == "unavailable")
            throw dp::failure::unavailable("the backend sleeps");
        if (what == "ok") // a throw is never a yes
            throw dp::failure(DWP_OK, "fine");
        if (what == "memory")
            throw std::bad_alloc();
        if (what == "logic")
            throw std::logic_error("a broken invariant");
        if (what == "number")
            throw 42;
        rp.new_record("x");
        return dp::verdict::accept();
    }
};

DOORWARD_PLUGIN(throws, "org.doorward.throws", "1.0.0", "Doorward", "MIT OR Apache-2.0", throws)
